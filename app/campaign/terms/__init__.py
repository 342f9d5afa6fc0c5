"""What a campaign may say (条款): eligibility, grants, ladders and limits as a document, judged on facts.

All of it is pure: the same document and the same facts give the same verdict, with every reason for it.
"""
