"""Why something is so, in a form that programs and people read. Pure."""

from __future__ import annotations

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One reason a person may read: a stable code and a sentence in both languages."""

    code: str
    zh: str
    en: str
