"""Role × route and scope × route: the committed tables, the routes' own words, and what real requests are answered.

When a route is new, or other roles may call it, ``WRITE_ROLES=1 pytest tests/access/test_roles.py`` writes the tables
again; whoever reviews the change reads the difference. What an institution's own officials may not do although they
hold the role stands in ``CENTRE_ONLY``, because no route says so.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest

from app.kit.db.database import execute, fetch_value
from app.official.account import CENTRE_ROLES
from app.values.roles import Role, Scope
from tests.support.description import OPERATIONS, Operation
from tests.support.officials import headers_of, make_official
from tests.support.operations import send
from tests.support.partners import bearer, make_key
from tests.support.rule_books import copy_book, make_books
from tests.support.world import make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World

FOLDER = Path(__file__).parent
ROLES: tuple[Role, ...] = typing.get_args(Role)
SCOPES: tuple[Scope, ...] = typing.get_args(Scope)
OFFICIALS = [operation for operation in OPERATIONS if operation.caller == "official"]
PARTNERS = [operation for operation in OPERATIONS if operation.caller == "partner"]
CENTRE_ONLY = {
    "createInstitution", "suspendInstitution", "resumeInstitution", "listRuleBooks", "draftRuleBook",
    "proposeScenario", "proposeScenarioChange", "listScenarioProposals", "getScenarioProposal",
    "confirmScenarioProposal", "rejectScenarioProposal",
    "getRuleBook", "editRuleBook", "putRuleBookExamples", "testRuleBook", "previewRuleBook", "getRuleBookPreview",
    "submitRuleBook", "deleteRuleBook", "setPointRule", "registerSource", "listSources", "getSource", "changeSource",
    "getSourceQuality",
}  # fmt: skip


# Institutions answer for their own sources by their administrators; at the centre caseworkers do, and nobody else.
NOT_CENTRE_ADMINISTRATORS = {"listObjections", "getObjection", "answerObjection"}


class Column(NamedTuple):
    """One kind of official: a role, at the centre or at an institution where that may hold it."""

    role: Role
    place: str

    @property
    def title(self) -> str:
        """The column's heading; where a role is the centre's anyway, the place goes without saying."""
        return self.role if self.role in CENTRE_ROLES else f"{self.role}@{self.place}"


COLUMNS = [
    Column(role, place)
    for role in ROLES
    for place in ("centre", "institution")
    if place == "centre" or role not in CENTRE_ROLES
]


def may(operation: Operation, column: Column) -> bool:
    """Whether the routes, CENTRE_ONLY and NOT_CENTRE_ADMINISTRATORS let this kind of official in."""
    if column == Column("administrator", "centre") and operation.id in NOT_CENTRE_ADMINISTRATORS:
        return False
    return column.role in operation.roles and not (column.place == "institution" and operation.id in CENTRE_ONLY)


def render(operations: list[Operation], titles: Sequence[str], allowed: Mapping[tuple[str, str], bool]) -> str:
    """Lay a table out for people."""
    width = max(len(f"{operation.method} {operation.path}") for operation in operations)
    lines = ["  ".join(["route".ljust(width), *titles])]
    for operation in operations:
        cells = [("yes" if allowed[operation.id, title] else "-").ljust(len(title)) for title in titles]
        lines.append("  ".join([f"{operation.method} {operation.path}".ljust(width), *cells]).rstrip())
    return "\n".join(lines) + "\n"


def check_committed(name: str, table: str) -> None:
    path = FOLDER / name
    if os.environ.get("WRITE_ROLES"):
        path.write_text(table, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == table, "WRITE_ROLES=1 writes it again: read the difference"


def read_committed(name: str) -> dict[tuple[str, str], bool]:
    """Return the cells of a committed table by route and column."""
    head, *lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    titles = head.split()[1:]
    return {
        (" ".join(words[:2]), title): {"yes": True, "-": False}[cell]
        for words in map(str.split, lines)
        for title, cell in zip(titles, words[2:], strict=True)
    }


def test_the_committed_roles_are_the_routes() -> None:
    allowed = {(one.id, column.title): may(one, column) for one in OFFICIALS for column in COLUMNS}
    check_committed("roles.txt", render(OFFICIALS, [column.title for column in COLUMNS], allowed))
    assert {operation.id for operation in OFFICIALS} >= CENTRE_ONLY


def test_the_committed_scopes_are_the_routes() -> None:
    allowed: dict[tuple[str, str], bool] = {
        (one.id, scope): one.described["x-scope"] == scope for one in PARTNERS for scope in SCOPES
    }
    check_committed("scopes.txt", render(PARTNERS, SCOPES, allowed))


@pytest.fixture(scope="module")
async def world(client: AsyncClient) -> World:
    return await make_world(client)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.title)
async def test_a_role_opens_exactly_its_routes(client: AsyncClient, world: World, column: Column) -> None:
    institution_id = world.partner.institution_id
    official = await make_official(
        roles=[column.role], institution_id=institution_id if column.place == "institution" else None
    )
    expected = {route: cell for (route, title), cell in read_committed("roles.txt").items() if title == column.title}
    seen: dict[str, bool] = {}
    for operation in OFFICIALS:
        answer = await send(client, operation, world, await headers_of(official.id))
        assert answer.status_code not in {401, 404, 405}, (operation.id, answer.text)
        assert answer.status_code < 500, (operation.id, answer.text)
        seen[f"{operation.method} {operation.path}"] = answer.status_code != 403
        await restore(client, world, operation)
    assert seen == expected


async def restore(client: AsyncClient, world: World, operation: Operation) -> None:
    """Undo what would make the next request fail for another reason than who sends it."""
    institution_id = world.partner.institution_id
    await execute("UPDATE institution SET state = 'active' WHERE id = $1 AND state <> 'active'", institution_id)
    # What the centre suspended an institution does not resume: the next column starts without.
    await execute("UPDATE standing SET suspended_by_centre = false WHERE suspended_by_centre")
    await execute("UPDATE official SET suspended_by_centre = false WHERE suspended_by_centre")
    if operation.id == "withdrawRuleBook":  # a preview that was waiting goes with its book
        state = "SELECT state FROM rule_book WHERE public_id = $1"
        if await fetch_value(state, UUID(world.ids["submitted_rule_book"])) == "retired":
            world.ids.update((await make_books(client, world.centre_editor, world.centre_reviewer)).ids)
    if operation.id == "deleteRuleBook":
        world.ids["spare_rule_book"] = (await copy_book(client, world.centre_editor))["id"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_scope_opens_exactly_its_routes(client: AsyncClient, world: World, scope: Scope) -> None:
    headers = bearer(await make_key(world.partner.institution_id, scopes=[scope]))
    expected = {route: cell for (route, title), cell in read_committed("scopes.txt").items() if title == scope}
    seen: dict[str, bool] = {}
    for operation in PARTNERS:
        answer = await send(client, operation, world, headers)
        assert answer.status_code not in {401, 404, 405}, (operation.id, answer.text)
        assert answer.status_code < 500, (operation.id, answer.text)
        seen[f"{operation.method} {operation.path}"] = answer.status_code != 403
    assert seen == expected
