"""Sources (来源): who may send records, what they may report, how their files are read, and what their ids look like.

A mapping (约定) says which column of a source's files is which field; with a header it becomes a cleaner of rows.
"""
