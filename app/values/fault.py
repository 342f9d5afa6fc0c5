"""What is wrong, and where. Pure."""

from __future__ import annotations

from typing import Self

import msgspec

from app.values.reason import Reason


class Fault(Reason, frozen=True, kw_only=True):
    """What is wrong at one place: a reason, and the place as a JSON pointer (RFC 6901); empty for the whole."""

    pointer: str

    @classmethod
    def at(cls, pointer: str, code: str, zh: str, en: str) -> Self:
        """Say what is wrong at a place."""
        return cls(pointer=pointer, code=code, zh=zh, en=en)

    @classmethod
    def of(cls, reason: Reason, pointer: str) -> Self:
        """Say at which place a reason is what is wrong."""
        return cls(pointer=pointer, code=reason.code, zh=reason.zh, en=reason.en)

    def below(self, place: str) -> Self:
        """Return the same fault seen from further up: its pointer begins with ``place``."""
        return msgspec.structs.replace(self, pointer=place + self.pointer)


def make_pointer(*steps: str | int) -> str:
    """Return the JSON pointer of a place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
