"""Holds what is installed against the lock: the same names and versions, nothing missing, nothing of its own accord.

``python -m tests.support.locked LOCK PYTHON`` compares the environment of another interpreter, and exits with 1.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9][^\s;=]*)==([^\s;]+)(?: ; (.+?))? \\$", re.MULTILINE)
# What a new environment has of itself, and this project.
NOT_LOCKED = frozenset({"pip", "setuptools", "huixin"})
LIST = """
import importlib.metadata, json
print(json.dumps([(one.metadata["Name"], one.version) for one in importlib.metadata.distributions()]))
"""


def parse_lock(text: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the versions by name that a lock pins for this interpreter."""
    return {
        canonicalize_name(name): version
        for name, version, marker in PINNED.findall(text)
        if not marker or _applies(Requirement(f"{name} ; {marker}"), environment)
    }


def read_lock(path: Path) -> str:
    """Return the text of a lock, with that of the locks it includes in place of their names."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(read_lock(path.parent / line[3:].strip()) if line.startswith("-r ") else line for line in lines)


def find_installed(python: str | None = None) -> dict[str, str]:
    """Return the versions by name that are installed here, or for another interpreter."""
    if python is None:
        told = [(one.metadata["Name"], one.version) for one in importlib.metadata.distributions()]
    else:
        told = json.loads(subprocess.run([python, "-I", "-c", LIST], check=True, capture_output=True).stdout)
    return {canonicalize_name(name): version for name, version in told}


def find_differences(locked: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Say what is installed otherwise than locked; empty when it is the same."""
    names = sorted({*locked, *installed} - NOT_LOCKED)
    return [
        f"{name}: locked {locked.get(name, 'not at all')}, installed {installed.get(name, 'not at all')}"
        for name in names
        if locked.get(name) != installed.get(name)
    ]


def find_needed(roots: Iterable[str]) -> set[str]:
    """Return all names that requirements lead to here, with their extras, as the installed packages tell it.

    A package that is needed and not installed is among them: it stands in another's list. ``pip check`` does not know
    that ``a[x]`` needs more than ``a``; this does.
    """
    waiting, seen = [Requirement(root) for root in roots], set[tuple[str, str]]()
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *sorted(wanted.extras)):
            if (place := (canonicalize_name(wanted.name), extra)) not in seen:
                seen.add(place)
                waiting += _list_requirements(*place)
    return {name for name, _ in seen}


def read_roots(path: Path) -> list[str]:
    """Return the requirements a .in file names, those of the files it includes too."""
    roots = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            roots += read_roots(path.parent / line[3:].strip())
        elif line and line[0].isalnum():
            roots.append(line)
    return roots


def _list_requirements(name: str, extra: str) -> list[Requirement]:
    try:
        told = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [one for one in map(Requirement, told) if _applies(one, {"extra": extra})]


def _applies(requirement: Requirement, environment: Mapping[str, str] | None) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(dict(environment or {}))


def _main(lock: str, python: str) -> int:
    locked, installed = parse_lock(read_lock(Path(lock))), find_installed(python)
    for difference in (differences := find_differences(locked, installed)):
        print(difference, file=sys.stderr)  # noqa: T201 - a command talks
    print(f"{len(locked)} packages locked, {len(differences)} installed otherwise")  # noqa: T201
    return 1 if differences or not locked else 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
