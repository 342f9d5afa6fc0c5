"""Storing what was judged (关联、同步): the record, the notice of a negative one, the score and the event.

A negative record is never stored without its notice: both are written together or neither.
"""
