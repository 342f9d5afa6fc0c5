"""Values as people, scanners and spreadsheets write them (取值): read once, here, for HTTP, files and the command line.

Words: to *clean* is to drop what is not meant (blanks, invisible marks, widths) and change nothing else; to *fold* is
to bring what means the same to one form, for comparing only; *damage* is what a spreadsheet did to a value, which
cannot be undone; a *placeholder* stands where nothing was known.

A *reason* is a stable code with a sentence in both languages; a *fault* is a reason with its place.

Promises: pure, and of the standard library and msgspec alone. What is a letter of a name does not depend on the
interpreter's Unicode table. Cleaning what is clean changes nothing.
"""
