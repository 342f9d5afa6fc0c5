"""The till (收银台): scan, redeem exactly once, reverse; many at the same moment share one statement.

A till learns which of its store's benefits apply, and nothing else. What must hold among racing requests is in the
statement itself.
"""
