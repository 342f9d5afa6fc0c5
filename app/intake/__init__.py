"""How records arrive (数据工厂): clean → match → link → sync → distribute, for one batch of at most 500 items.

Words: an *item* is one fact as a source sends it; a *source* is the code of the sending institution's register; an
*event id* is the source's own number of the fact, by which a repeat is known; *app points* (积分) are what a city app
reports event by event, signed; *usage* is what our own rooms write.

Promises: every item gets exactly one outcome and the counts add up; a bad item fails alone. What concerns somebody who
has not joined is counted and dropped, never stored. A denied topic is refused by its name. The same batch sent twice,
or by two importers at once, leaves each record once. Records, scores, events and the audit entry are one transaction.
"""
