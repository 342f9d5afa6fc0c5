"""Requests counted by how long they took: a process counts in memory and writes a file of its own; who shows adds up.

A file is written whole and then put in its place, so that a reader never meets half of one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec

NAME, HELP = "huixin_request_seconds", "How long requests took, by route and status."
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BOUND_TEXTS = (*map(str, BOUNDS), "+Inf")
FILE_PREFIX = "requests_"
FOLDED = 0  # in the place of a process id


class Line(msgspec.Struct, array_like=True):
    """The requests of one method, route and status: how many fell into each bucket, and their seconds together.

    A bucket holds what took longer than the bound before and at most its own; the last what took longer than all.
    """

    method: str
    route: str
    status: int
    buckets: list[int]
    seconds: float


class Counts:
    """Requests by method, route and status."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lines: dict[tuple[str, str, int], Line] = {}
        for line in lines:
            self._merge(line)

    def add(self, method: str, route: str, status: int, seconds: Sequence[float]) -> None:
        """Count requests that took so long."""
        buckets = [0] * len(BOUND_TEXTS)
        for one in seconds:
            buckets[bisect_left(BOUNDS, one)] += 1
        self._merge(Line(method, route, status, buckets, sum(seconds)))

    def encode(self) -> bytes:
        """Return what is counted as the file of a process holds it."""
        return msgspec.json.encode(list(self._lines.values()))

    def show(self) -> str:
        """Return the counts in Prometheus's text format."""
        lines = [f"# HELP {NAME} {HELP}\n# TYPE {NAME} histogram\n"]
        for line in sorted(self._lines.values(), key=lambda one: (one.route, one.method, one.status)):
            labels = f'method="{line.method}",route="{line.route}",status="{line.status}"'
            totals = list(accumulate(line.buckets))
            lines += [
                f'{NAME}_bucket{{le="{bound}",{labels}}} {total}\n'
                for bound, total in zip(BOUND_TEXTS, totals, strict=True)
            ]
            lines.append(f"{NAME}_count{{{labels}}} {totals[-1]}\n{NAME}_sum{{{labels}}} {line.seconds}\n")
        return "".join(lines)

    def _merge(self, line: Line) -> None:
        key = (line.method, line.route, line.status)
        held = self._lines.setdefault(key, Line(*key, [0] * len(BOUND_TEXTS), 0.0))
        held.buckets = [mine + more for mine, more in zip(held.buckets, line.buckets, strict=True)]
        held.seconds += line.seconds


def path_of(folder: Path, owner: int) -> Path:
    """Return the file of a process."""
    return folder / f"{FILE_PREFIX}{owner}.json"


def owner_of(path: Path) -> int:
    """Return whose file it is."""
    return int(path.stem.removeprefix(FILE_PREFIX))


def list_files(folder: Path) -> list[Path]:
    """Return the files of all processes, living and dead."""
    return sorted(folder.glob(f"{FILE_PREFIX}*.json"))


def read_lines(paths: Iterable[Path]) -> Iterator[Line]:
    """Yield what files hold."""
    for path in paths:
        yield from msgspec.json.decode(path.read_bytes(), type=list[Line])


def write_file(folder: Path, owner: int, encoded: bytes) -> None:
    """Put what was counted in the place of a process's file; by one caller at a time."""
    path = path_of(folder, owner)
    made = path.with_suffix(".new")
    made.write_bytes(encoded)
    made.replace(path)
