"""What happened: one thin row per fact, written in the same transaction as the fact.

An event carries ids and states, nothing personal. Institutions read their own events as a feed; a key bound to stores
reads those of its stores alone, which say so in ``storeId``, and none of the institution as a whole.

Words: *event*, *type* (what happened, of a closed list to which every room declares its own), *feed*,
*epoch* (one life of the database cluster: transaction ids start anew after a restore).
Promise: the feed skips nothing. A reader who asks "what came after this cursor" never misses an event that was
committed late, because the feed stops before the oldest transaction that is still open.
"""
