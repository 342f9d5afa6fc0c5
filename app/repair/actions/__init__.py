"""Use cases: load, judge, store; a transaction opens here."""
