"""The citizen (市民): an account behind a WeChat openid, and — once verified — the adult it belongs to.

Words: *account* (openid, account number), *identity binding* (实名绑定: encrypted ID number, name and phone with blind
indexes), *session* (one login on one phone), *refresh token* (opaque, rotating; only its hash is stored),
*code generation* (raising it kills every credit code shown so far).

Promises: one openid is one account and one ID number is one active account, also for requests that race. Whether a
session still lives is read with every request, so a revoked one is dead at once. A refresh token used twice, outside
the 30 seconds a phone has for a lost answer, revokes its whole family. Nothing personal is stored, logged or answered
in clear.
"""
