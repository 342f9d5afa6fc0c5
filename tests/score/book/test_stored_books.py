"""A rule book that is stored is only read: what today's rules would refuse goes on counting as it was approved."""

from __future__ import annotations

import ast
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import app.score
from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now, uuid7
from app.kit.db.cache import refresh_all
from app.kit.db.database import fetch_value, transaction
from app.record.catalogue import CATALOGUE
from app.score.book import queries as book_queries
from app.score.book.actions.find import find_book, find_current_levels
from app.score.book.actions.put import put_published
from app.score.book.check import RuleBookWrong, iter_faults, parse_rule_book
from app.score.book.published import compute_document, parse_published
from app.score.book.standard import STANDARD_BOOK
from app.score.book.views import show_book
from app.values.days import shanghai_day
from tests.score.book.test_book import on
from tests.score.book.test_direction import FAULTS, book_of
from tests.support.histories import make_citizens
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import BOOKS, act, copy_book, find_id
from tests.support.switching import in_force

if TYPE_CHECKING:
    from httpx2 import AsyncClient

OLD = book_of(on("NEG_TAX_ARREARS", values=[{"points": 5}]))
# Who may ask what is wrong with a book: where one is drafted, submitted or approved, and what is shipped with the code.
JUDGES = {"check.py", "numbers.py", "standard.py"}
JUDGING = {"parse_rule_book", "iter_faults", "iter_direction_faults"}


@pytest.fixture
async def editor(own_city: None) -> OfficialLogin:
    del own_city
    return await make_official(roles=["editor"])


async def test_a_city_goes_on_under_a_book_that_would_be_refused_today(
    client: AsyncClient, editor: OfficialLogin
) -> None:
    """It is in force: the catalogue that every worker needs to start loads, and people are scored and shown it."""
    assert [fault.code for fault in iter_faults(OLD, CATALOGUE)].count("effect_contradicted") == 1
    (citizen,) = await make_citizens(1)
    async with in_force(shanghai_day(now()), msgspec.to_builtins(OLD)) as book_id:
        assert list(await find_current_levels()) == [level.code for level in OLD.levels]
        await refresh_all([catalogue])
        assert await fetch_value("SELECT rule_book_id FROM score_snapshot WHERE citizen_id = $1", citizen) == book_id
        shown = (await client.get("/v1/rule-books/current")).json()
        (arrears,) = [one for one in shown["indicators"] if one["code"] == "NEG_TAX_ARREARS"]
        assert arrears["values"][0]["points"] == 5
        # A copy of it is a draft like any other: it is not approved again as it is.
        copied = await copy_book(client, editor, shown["code"], shown["version"])
        refused = await act(client, editor, copied, "submit")
        assert (refused.status_code, refused.json()["code"]) == (422, "rule_book_invalid")
        seen = await client.get(f"{BOOKS}/{await find_id(shown['code'], shown['version'])}", headers=editor.headers)
        assert seen.status_code == 200


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("edits", [edits for edits, _, _ in FAULTS.values()], ids=FAULTS.keys())
async def test_whatever_is_stored_is_read(edits: list[Any]) -> None:
    book = msgspec.structs.replace(book_of(*edits), code=f"t{secrets.token_hex(6)}")
    with pytest.raises(RuleBookWrong):
        parse_rule_book(msgspec.json.encode(book), CATALOGUE)
    async with transaction():
        book_id = await book_queries.insert_rule_book(compute_document(book), "draft")
    assert await find_book(book_id) == book
    assert parse_published(msgspec.json.encode(show_book(book)), CATALOGUE) == book  # a citizen can still compute it


def test_nobody_else_judges_a_rule_book() -> None:
    """A room that reads what is stored through a judge stops the day the judge becomes stricter."""
    found = {
        (path.name, node.id)
        for path in Path(app.score.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in JUDGING
    }
    assert {name for name, _ in found} == JUDGES


async def test_a_published_book_takes_the_place_of_one_of_the_same_version(app: object) -> None:
    """As in the scratch database of who checks a score, where the book that is shipped was already made."""
    del app
    book = msgspec.structs.replace(STANDARD_BOOK, code=f"t{uuid7().hex[-12:]}")
    count = "SELECT count(*) FROM rule_book WHERE code = $1"
    with pytest.raises(LookupError):
        async with transaction():
            first, second = await put_published(book), await put_published(book)
            assert first != second
            assert await fetch_value(count, book.code) == 1
            raise LookupError
    assert await fetch_value(count, book.code) == 0
