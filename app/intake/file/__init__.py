"""Files of records (文件导入): clean → match → link → sync → distribute, chunk by chunk.

An import commits with its place in the file, so that whoever dies is taken over; the same file is the same import.
What does not fit stays in quarantine, is handed out to be corrected, and comes back as a file of its own.
"""
