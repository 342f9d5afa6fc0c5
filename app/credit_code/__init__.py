"""The credit code (信用码), short form of format HX1: what a phone shows and a till scans.

Words: an *account number* is a citizen's nine digits inside the code; a *slot* is one of the 30-second spans that all
codes share; the *generation* counts "kill every code I have shown"; a *code id* is the 20 encrypted digits.

Promises: no row is needed to issue a code or to open one; a code says nothing without the key, two codes of one citizen
cannot be linked; those of one slot differ, up to as many as a worker has salts; a code opens from 5 s before its slot
to 15 s after it, by our clock and never by the phone's. Opening proves only that we made the code. That the account is
active, that the generation is current and that a code is used once, is checked by the room that scans.
"""
