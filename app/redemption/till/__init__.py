"""The till (收银台): scan, redeem exactly once, reverse; many at the same moment share one statement.

Who scans learns which of their own benefits apply, and nothing else. What must hold whoever races is in the statement.
"""
