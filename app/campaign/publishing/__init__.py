"""Publishing (发布): institutions draft and submit, the centre's reviewer approves, and only then a campaign is live.

A live campaign goes on as it was approved while its next version is written and reviewed.
"""
