"""A view made of a row, field by field: by hand is written only what is renamed or hidden."""

from __future__ import annotations

from typing import TypeVar

import msgspec

View = TypeVar("View", bound=msgspec.Struct)


def show(view: type[View], row: object, **more: object) -> View:
    """Return what a caller sees of a row: its fields of the same names, and ``more`` where the view says it otherwise.

    A field of the view that is neither in the row nor given is an AttributeError, also one that has a default: what is
    left out of an answer is left out on purpose.
    """
    taken = {name: getattr(row, name) for name in view.__struct_fields__ if name not in more}
    return view(**taken, **more)
