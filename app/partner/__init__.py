"""Who scans and gives: institutions (入驻机构), their stores (网点), terminals (终端) and API keys.

The whole directory lies in every process's memory and is never older than a second; a key is checked without a query.

Words: *institution* (tenant), *store* (where a code is scanned), *terminal* (on what), *key* (what a till speaks with),
*caller* (a key that was recognised).
Promises: a key is shown once and only its hash is stored; it works only for its institution's terminals, at its stores,
for its scopes, until it expires. Whatever is suspended stops working within a second, and what the centre suspended
only the centre resumes. Every change is audited.
"""
