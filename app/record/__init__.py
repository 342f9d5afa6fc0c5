"""Facts about citizens that a source vouches for (信用记录), and the closed lists they must fit.

Words: a *record* is one fact about one citizen: an indicator (指标) that may count in a score, or an honour (荣誉) that
campaigns ask for by name. A *topic* (主题) is what an indicator is about; the denied ones are things the city must
never keep score of: no indicator can have one, because the database refuses the row. *Flagged words* are
those of denied topics, denied uses and punishments, looked for in what people write.

Promises: one event of one source is one record, whatever is sent twice or races. A record never changes its facts; that
a state ended is a new version of it. When a citizen leaves, all their records are deleted.
"""
