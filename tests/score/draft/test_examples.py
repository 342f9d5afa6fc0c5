"""Examples: those every city is given, for both families, and what officials learn from their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.record.catalogue import CATALOGUE
from app.score.book.check import parse_rule_book
from app.score.book.standard import STANDARD_BOOK_FILE
from app.score.draft.actions.examples import run_examples
from app.score.draft.examples import EXAMPLE_RECORDS_MAX, EXAMPLES_MAX, Example, judge_examples, parse_examples
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import BOOKS, EXAMPLE, act, book_of, copy_book, find_id

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from app.score.book.document import RuleBook

FAMILIES = ("rating", "ledger")


def read_shipped(code: str) -> tuple[RuleBook, tuple[Example, ...]]:
    folder = STANDARD_BOOK_FILE.parent
    book = parse_rule_book((folder / f"{code}_v1.json").read_bytes(), CATALOGUE)
    return book, parse_examples((folder / f"{code}_v1_examples.json").read_text(encoding="utf-8"))


SHIPPED = {code: read_shipped(code) for code in FAMILIES}
EACH = [(code, number) for code in FAMILIES for number in range(len(SHIPPED[code][1]))]


@pytest.fixture(scope="module")
async def editor(app: object) -> OfficialLogin:
    del app
    return await make_official(roles=["editor"])


async def put(client: AsyncClient, editor: OfficialLogin, book: dict[str, Any], *examples: Any) -> Response:
    headers = {**editor.headers, "If-Match": book["etag"]}
    return await client.put(f"{BOOKS}/{book['id']}/examples", json={"examples": examples}, headers=headers)


async def run(client: AsyncClient, editor: OfficialLogin, book_id: str, language: str = "zh-CN") -> Any:
    headers = {**editor.headers, "Accept-Language": language}
    answer = await client.post(f"{BOOKS}/{book_id}/test", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("code", "number"), EACH)
async def test_a_shipped_example_gives_what_it_says(
    client: AsyncClient, editor: OfficialLogin, code: str, number: int
) -> None:
    """Also what its working says: the last number of the sum, or the ceiling, is the value."""
    outcome = (await run(client, editor, await find_id(code, 1)))["examples"][number]
    assert outcome["passed"], (outcome["titleEn"], outcome["value"], outcome["expectedValue"])
    if outcome["value"] is not None:
        assert str(outcome["value"]) in outcome["working"]
        points = [one["points"] for one in (*outcome["contributions"], *outcome["adjustments"])]
        assert outcome["base"] + sum(points) == outcome["value"]


@pytest.mark.parametrize("code", FAMILIES)
def test_shipped_examples_are_sound_and_show_the_rules_at_work(code: str) -> None:
    book, examples = SHIPPED[code]
    assert list(judge_examples(examples, book)) == []
    assert {example.expected.level for example in examples} >= {None, *(level.code for level in book.levels[-2:])}
    assert len({example.title_en for example in examples}) == len(examples)


@pytest.mark.usefixtures("app")
async def test_examples_of_several_days_come_back_in_their_order() -> None:
    from app.kit.db.database import fetch_value  # noqa: PLC0415 - one test needs the id of a content

    content_id = await fetch_value("SELECT id FROM rule_book WHERE state = 'active'")
    plain = msgspec.convert(EXAMPLE, Example)
    young = msgspec.structs.replace(plain, day=plain.birth_on.replace(year=2009))
    outcomes = await run_examples([plain, young, plain], content_id)
    assert [outcome.found.value for outcome in outcomes] == [560, 530, 560]
    assert [outcome.has_passed for outcome in outcomes] == [True, False, True]


async def test_a_failing_example_says_what_came_instead(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    wrong = {**EXAMPLE, "expected": {"value": 561, "level": "L2"}}
    book = book_of(await put(client, editor, book, EXAMPLE, wrong))
    tested = await run(client, editor, book["id"])
    assert (tested["passed"], [one["passed"] for one in tested["examples"]]) == (False, [True, False])
    assert tested["examples"][1]["value"] == 560
    assert tested["examples"][1]["contributions"][0]["clause"].startswith("1.6 诚信推定")
    assert (await run(client, editor, book["id"], "en"))["examples"][1]["contributions"][0]["clause"].startswith(
        "1.6 M"
    )
    answer = await act(client, editor, book, "submit")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "examples_failed")
    assert problem["reasons"][0]["text"] == "没有记录：预期561 (L2)，实得560 (L2)"
    assert [error["pointer"] for error in problem["errors"]] == ["/examples/1/expected"]


async def test_a_right_value_at_a_wrong_level_fails(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    book = book_of(await put(client, editor, book, {**EXAMPLE, "expected": {"value": 560, "level": "L3"}}))
    assert (await run(client, editor, book["id"]))["passed"] is False


async def test_an_edit_can_break_an_example(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    book = book_of(await put(client, editor, book, EXAMPLE))
    document = {**book["document"], "scale": {"base": 501, "min": 0, "max": 1000}}
    headers = {**editor.headers, "If-Match": book["etag"]}
    answer = await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers)
    refused = await act(client, editor, book_of(answer), "submit")
    assert refused.json()["code"] == "examples_failed"


async def test_without_an_example_nothing_is_submitted(client: AsyncClient, editor: OfficialLogin) -> None:
    book = book_of(await put(client, editor, await copy_book(client, editor)))
    assert await run(client, editor, book["id"]) == {"passed": False, "examples": []}
    answer = await act(client, editor, book, "submit")
    assert (answer.status_code, answer.json()["code"]) == (422, "examples_missing")


def record(indicator: str, **facts: Any) -> dict[str, Any]:
    return {"indicator": indicator, "eventOn": "2026-03-01", **facts}


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown indicator": ({"records": [record("POS_SMILE")]}, "/records/0", "indicator_unknown"),
    "a denied topic": ({"records": [record("petition")]}, "/records/0", "topic_denied"),
    "a computed one": ({"records": [record("BASE_CLEAN")]}, "/records/0", "indicator_computed"),
    "no grade": ({"records": [record("POS_CLUE"), record("POS_AWARD")]}, "/records/1", "grade_missing"),
    "an unknown grade": ({"records": [record("POS_AWARD", grade="world")]}, "/records/0", "grade_unknown"),
    "no quantity": ({"records": [record("POS_PATROL")]}, "/records/0", "quantity_missing"),
    "an end before its beginning": (
        {"records": [record("BASE_TAX_OK", endsOn="2026-02-01")]}, "/records/0", "ends_before_event"),
    "a level the book does not know": ({"expected": {"value": 1, "level": "AAA"}}, "/expected/level", "level_unknown"),
    "a value without a level": ({"expected": {"value": 1, "level": None}}, "/expected", "expected_half"),
    "a consent nobody asks for": ({"consents": ["pos_clue"]}, "/consents", "consent_unknown"),
    "a day beyond all days": ({"day": "9999-12-31"}, "/day", "date_out_of_range"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "place", "code"), FAULTS.values(), ids=FAULTS.keys())
async def test_an_example_nobody_could_be_is_refused(
    client: AsyncClient, editor: OfficialLogin, changes: dict[str, Any], place: str, code: str
) -> None:
    book = await copy_book(client, editor)
    answer = await put(client, editor, book, EXAMPLE, {**EXAMPLE, **changes})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "rule_book_invalid")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(f"/examples/1{place}", code)]


@pytest.mark.parametrize(
    ("examples", "status"),
    [
        ([EXAMPLE] * EXAMPLES_MAX, 200), ([EXAMPLE] * (EXAMPLES_MAX + 1), 400),
        ([{**EXAMPLE, "records": [record("POS_CLUE")] * EXAMPLE_RECORDS_MAX}], 200),
        ([{**EXAMPLE, "records": [record("POS_CLUE")] * (EXAMPLE_RECORDS_MAX + 1)}], 400),
    ],
)  # fmt: skip
async def test_how_many_examples_and_records_there_can_be(
    client: AsyncClient, editor: OfficialLogin, examples: list[dict[str, Any]], status: int
) -> None:
    assert (await put(client, editor, await copy_book(client, editor), *examples)).status_code == status
