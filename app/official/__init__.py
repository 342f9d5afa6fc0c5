"""Staff (工作人员) of the credit centre and of institutions: who they are, how they sign in, what they did.

Words: *official*, *role* (bound to one institution or to the centre), *enrolment* (the person chooses a password and is
given a TOTP secret, by a one-time code), *asker* (who holds that code: the creator, or who asked for a reset), *second
administrator* (confirms an enrolment, having checked the person), *generation* (raised to let every token die).
Promises: nobody sees another's password or TOTP secret; who could enrol in the person's place cannot confirm it, so
no single administrator becomes two people; a confirmation names the enrolment it is for. Passwords lie as argon2
hashes, TOTP secrets encrypted; a TOTP code works once. Wrong tries slow down where they come from and lock nobody out;
an unknown name looks like a wrong password. Nobody confirms, resets or suspends themselves; whom the centre suspended
only the centre resumes; an institution's administrator manages its own staff only and gives no role of the centre's.
Every change is an entry of the audit chain.
"""
