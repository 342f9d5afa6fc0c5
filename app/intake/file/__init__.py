"""Files of records (文件导入): clean → match → link → sync → distribute, chunk by chunk.

A chunk commits together with the place to go on from, so that another process can take over after a crash; the same
file is the same import. Rows that do not fit go into quarantine, are handed out to be corrected, and come back as a
file of their own.
"""
