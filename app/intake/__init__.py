"""How records arrive (数据工厂): clean → match → link → sync → distribute, for batches and for files.

Words: an *item* is one fact as a source sends it; a *source* is the code of the sending institution's register, a
*mapping* how its columns become our fields; an *event id* is the source's own number of the fact, by which a repeat is
recognised. A *proposal* is a record that an official typed in and that waits for a second one. An *import* is one file
on its way in, stored *chunk* by chunk; rows that do not fit go into its *quarantine*. A value is *spoilt* when a
spreadsheet has changed it for good; a source's ids have a *shape* when all are digits of one length.

Promises: every item and row gets exactly one outcome and the counts add up; a bad one fails alone. A fact about a
person who has not joined is counted and dropped, never stored. Only registered sources are listened to. What one
official types in and costs points counts nowhere, and no citizen hears of it, until another official approves it. A
city app's event is taken in, sealed, for members and strangers alike. A denied topic is refused by its name. The same
batch or file sent twice, or by two importers at once, leaves each record once; an import that was killed goes on after
the last chunk it stored. Records, due marks, notices, events, counts and the place to go on from are one transaction.
"""
