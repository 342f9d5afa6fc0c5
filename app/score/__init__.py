"""What a citizen's records are worth (信用分), under which rule book, and why.

Words: a *rule book* (计分规则) is an immutable, versioned document: scale, dimensions, levels, indicators, rules.
A *contribution* is what one indicator's records give; an *adjustment* is what a cap, the scale or a ceiling takes back.
A *snapshot* is the current score; a *change* is one step of its history, with reasons.

Promises: base + contributions + adjustments = value, exactly, in whole points. One SQL statement (``sql/``) scores one
citizen or the whole city, and the explanation is that statement's own answer. The score depends on nothing but the rule
book, the records, the consents and the day; what has expired, been repaired or been corrected has no effect whatever.
A rule book is tested on examples, and comes into force on a day that a second official named; it never changes then.
One more record against somebody never raises a score under any book that is accepted; a preview never gives a few away.
"""
