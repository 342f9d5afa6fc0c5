"""The engine: one statement that turns records and a rule book into a score, its parts and its reasons.

The same statement scores one citizen, a city, a draft's example and a citizen's own export (``sql/``, ``queries``).
"""
