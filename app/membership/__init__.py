"""Membership: joining with a verified identity, moving to another WeChat account, leaving.

Words: *join* (a ``new`` account becomes ``active``), *rebind* (the same person proves the same identity from a new
WeChat account), *leave* (everything personal is destroyed at once), *tombstone* (a keyed hash of who left, kept for a
year, so that what a person may have once cannot be had again by leaving and returning).

Promises: only adults, only with the required consents, only when name, ID number and phone belong together as the
identity provider sees it. Tries are counted of a WeChat account and of a person, whatever accounts they had, and a
stranger cannot use up somebody's. Nobody is asked to wait to leave. Joining with its consents, first record, score and
event is one transaction; so is leaving. It is the highest room of a citizen's life and touches everything below.
"""
