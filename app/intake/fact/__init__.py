"""One fact as it arrives: what an item says, and whether it is well formed and fits the closed lists.

Everything else of this room leans on it, whether facts come one by one, in a body or in a file.
"""
