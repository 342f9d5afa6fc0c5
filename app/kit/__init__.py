"""Tools without a domain word: the pool, group commit, problem answers, callers, crypto, paging, clocks.

Every room may use the kit; the kit knows no room.
"""
