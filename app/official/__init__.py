"""Staff (工作人员) of the credit centre and of institutions: who they are, how they sign in, what they did.

Words: *official*, *role* (bound to one institution or to the centre), *try* (one sign-in attempt), *generation* (raised
to let every token of an official die), *reset* (a second administrator gives a new password and TOTP secret).
Promises: passwords lie as argon2 hashes and TOTP secrets encrypted; a TOTP code works once; five failed tries lock an
account for a quarter of an hour, however parallel; an unknown name looks like a wrong password; nobody resets or
suspends themselves; an institution's administrator manages its own staff only and gives no role of the centre's.
Every change stands in the audit chain.
"""
