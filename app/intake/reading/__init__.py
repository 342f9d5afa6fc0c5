"""Reading (读取): the bytes of a file become rows, and its cells texts, days and numbers.

Nothing here depends on a source or a citizen; the same rows come out however a file is cut.
"""
