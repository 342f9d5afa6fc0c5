"""Membership: joining with a verified identity, moving to another WeChat account, leaving.

Words: *join* (a ``new`` account becomes ``active``), *rebind* (the same person proves the same identity from a new
WeChat account), *leave* (everything personal is destroyed at once), *tombstone* (a keyed hash of the ID number of a
person who left; it is stored for a year, so that leaving and returning does not give again what a person may have
once).

Promises: only adults, only with the required consents, only when name, ID number and phone belong together by the
answer of the identity provider. Tries are counted for a WeChat account and for a person, over all accounts the person
has had, and a stranger cannot use up somebody's. Nobody has to wait to leave. Joining with its consents, first
record, score and event is one transaction; so is leaving. Membership is the highest room of a citizen's life and
touches everything below.
"""
