"""The door of this room's rules: what other rooms may count on."""

from __future__ import annotations
