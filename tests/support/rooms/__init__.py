"""What each room gives the tests that are about every operation: a file here, named as its operations are tagged.

A file offers ``RIGHT``, the right request of each of its operations by operation id. It may offer ``furnish``, which
makes what the room has in a world and returns its ids by name: rooms are furnished from the lowest floor upwards, and
each finds what those below it made. ``UNKNOWN`` has a value of the right form that names nothing, for places in a path
that are not a UUID.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from tests.support.floors import read_floors

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.right import Right
    from tests.support.world import World


class Room(NamedTuple):
    """What one file here offers."""

    RIGHT: dict[str, Right]
    furnish: Callable[[AsyncClient, World], Awaitable[dict[str, str]]] | None
    UNKNOWN: dict[str, str]


def collect_rooms() -> dict[str, Room]:
    """Return what each file here offers, from the lowest floor upwards; what is in no room stands below them all."""
    floors = read_floors()
    names = [one.name for one in pkgutil.iter_modules(__path__)]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    upwards = sorted(names, key=lambda name: (-floors.get(name, len(floors)), name))
    return {name: _read(modules[name]) for name in upwards}


def _read(module: ModuleType) -> Room:
    return Room(module.RIGHT, getattr(module, "furnish", None), getattr(module, "UNKNOWN", {}))


ROOMS = collect_rooms()
