"""Keeping what was judged (关联、同步): records are put, citizens told.

A negative record is never kept without its notice: both are written together or neither.
"""
