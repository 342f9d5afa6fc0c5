"""Consent (同意) and the access log (查询记录): what a citizen agreed to, and who looked.

Words: *consent text* (a purpose in a version, in Chinese and English), *consent* (a citizen accepted that version,
until withdrawn), *required* (without it there is no membership) and *separate* (optional, each by itself: a blood
donation counts only with ``pos_blood``), *access* (a disclosure or a refused attempt: who, when, why, what was
disclosed), *action* (what was done, of a closed list to which every room declares its own).

Promises: only the version in force can be accepted. A separate consent is withdrawn in one call; a required one by
leaving. Every disclosure is written in the transaction that makes it, and its citizen can read it.
"""
