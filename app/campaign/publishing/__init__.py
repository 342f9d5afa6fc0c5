"""Publishing (发布): institutions draft and submit, the centre's reviewer approves, and only then a campaign is live.

What is live goes on as it was approved while its next version is written and reviewed.
"""
