"""What a room offers is collected: a job that nobody runs or a check that nobody looks at fails here."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import duties
from app.kit.db.partitions import list_plans
from app.membership.actions.export import PARTS

APP = Path(__file__).parents[1] / "app"
COLLECTED: dict[str, tuple[Any, ...]] = {
    "JOBS": duties.JOBS,
    "FORGETS": duties.FORGETS,
    "CHECKS": duties.CHECKS,
    "EXPORTS": PARTS,
    "PARTITIONS": list_plans(),
}
KINDS = {"JOBS": "Job", "CHECKS": "Check", "EXPORTS": "ExportPart", "PARTITIONS": "PartitionPlan"}
DOORS = {"actions", "tables"}  # where a room offers something: the kinds by which it is entered


def find_offers(name: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield every module with a constant of a name, and what it is."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                yield ".".join(path.relative_to(APP.parent).with_suffix("").parts), node.value


@pytest.mark.parametrize("name", sorted(COLLECTED))
def test_whatever_a_room_offers_is_collected(name: str) -> None:
    offers = {where: importlib.import_module(where) for where, _ in find_offers(name)}
    rooms = {where: getattr(module, name) for where, module in offers.items() if module is not duties}
    assert rooms, "rooms offer it under another name now"
    assert [where for where in rooms if not DOORS & set(where.split("."))] == []
    missing = [where for where, offered in rooms.items() if not set(map(id, offered)) <= set(map(id, COLLECTED[name]))]
    assert not missing
    assert len(set(map(id, COLLECTED[name]))) == len(COLLECTED[name]), "something is collected twice"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_nothing_is_made_beside_what_is_offered(name: str) -> None:
    """A job that stands under no ``JOBS`` would be a job of nobody."""
    offered = [node for _, value in find_offers(name) for node in ast.walk(value) if is_made(node, KINDS[name])]
    made = [
        node
        for path in sorted(APP.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if is_made(node, KINDS[name])
    ]
    assert len(made) == len(offered) == len(COLLECTED[name])


def is_made(node: ast.AST, kind: str) -> bool:
    """Whether a piece of code makes one of a kind."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == kind
