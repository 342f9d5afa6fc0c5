"""Records that cost points and that an official types in wait for a second official (双人复核).

Until then no citizen hears of them; once decided, nothing of what they said is stored.
"""
