"""The door of this room: what others may ask of it."""

from __future__ import annotations
