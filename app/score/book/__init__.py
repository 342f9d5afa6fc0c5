"""Rule books (计分规则): what a document may say, which state each version is in, and the books anybody may read.

A book is the same document whether it makes a rating or a points ledger; once published it never changes.
"""
