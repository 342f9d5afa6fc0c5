"""What our own rooms write down about citizens: one door for all of them, inside the transaction of what happened.

``data/usage.csv`` says which room writes which fact; no institution can register the source these facts have.
"""
