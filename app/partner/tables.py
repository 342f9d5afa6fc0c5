"""Institutions; their stores, terminals and keys are named in SQL alone."""

from __future__ import annotations

from piccolo.columns import UUID, Text, Timestamptz
from piccolo.table import Table


class Institution(Table, tablename="institution"):
    """A tenant: government unit, hospital, car park operator, library, transport operator, bank or merchant."""

    id = UUID(primary_key=True, default=None)
    name = Text(unique=True, default=None)
    kind = Text(default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)


OTHER_TABLES = ("api_key", "standing", "store", "terminal")
