"""Sources (来源): who may send records, what they may report, how their files are read, and what their ids look like.

A mapping is agreed with a source and kept as a document; with a header it becomes a cleaner of rows.
"""
