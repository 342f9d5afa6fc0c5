"""What callers are let in for: an official's roles, the scopes of an institution's key. Pure."""

from __future__ import annotations

from typing import Literal

Role = Literal["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"]
Scope = Literal["scan", "redeem", "read", "report"]
