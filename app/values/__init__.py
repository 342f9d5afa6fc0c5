"""What every room shares and none owns (取值): reasons and faults, state tables, texts, names, days, money, roles.

Words: a *reason* is a stable code with a sentence in both languages, a *fault* is a reason with its place. To *clean* a
text is to drop what is not meant (blanks, invisible marks, widths) and change nothing else; to *fold* it is to bring
what means the same to one form, for comparing only; *damage* is what a spreadsheet did to it, which cannot be undone; a
*placeholder* is there because nothing was known. A *day* is one of Shanghai's calendar, money is whole fen.

Promises: pure, and of the standard library and msgspec alone. What is a letter of a name does not depend on the
interpreter's Unicode table. Cleaning what is clean changes nothing.
"""
