"""What is refused of a document, where and in both languages; and what only looks odd."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.db.database import fetch_value
from app.score.book.document import (
    DIMENSIONS_MAX,
    ENGINE_RULES_MAX,
    INDICATORS_MAX,
    LEVELS_MAX,
    MONTHS_MAX,
    POINTS_MAX,
    TITLE_CHARACTERS_MAX,
    VALUES_MAX,
    WORDS_CHARACTERS_MAX,
)
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import BOOKS, EXAMPLE, book_of, copy_book, find_id

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
async def editor(app: object) -> OfficialLogin:
    del app
    return await make_official(roles=["editor"])


@pytest.fixture(scope="module")
async def book(client: AsyncClient, editor: OfficialLogin) -> dict[str, Any]:
    return await copy_book(client, editor)


@pytest.fixture(scope="module")
async def ledger(client: AsyncClient, editor: OfficialLogin) -> dict[str, Any]:
    return await copy_book(client, editor, "ledger")


async def put(
    client: AsyncClient, editor: OfficialLogin, book: dict[str, Any], edit: Edit, language: str = "zh-CN"
) -> Response:
    """Send an edited document; what is accepted is put back."""
    document = copy.deepcopy(book["document"])
    edit(document)
    seen = await client.get(f"{BOOKS}/{book['id']}", headers=editor.headers)
    headers = {**editor.headers, "If-Match": seen.headers["ETag"], "Accept-Language": language}
    return await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers)


def on(indicator: str, **changes: object) -> Edit:
    return lambda document: find(document, indicator).update(changes)


def find(document: dict[str, Any], indicator: str) -> dict[str, Any]:
    return next(one for one in document["indicators"] if one["code"] == indicator)


def place_of(book: dict[str, Any], indicator: str) -> int:
    return [one["code"] for one in book["document"]["indicators"]].index(indicator)


# Which indicator, what is done to it, where the fault is, its code, and the sentence in both languages.
FAULTS: dict[str, tuple[str, dict[str, Any], str, str, str, str]] = {
    "a denied topic": ("POS_CLUE", {"topic": "petition"}, "/topic", "topic_denied", "“信访”属于禁止纳入的事项",
                       "POS_CLUE: topic petition (petitions) is denied"),
    "an unlisted topic": ("POS_CLUE", {"topic": "astrology"}, "/topic", "topic_unknown", "主题不在目录内", "astrology"),
    "no such indicator": ("POS_CLUE", {"code": "POS_SMILE"}, "/code", "indicator_unknown", "指标不在目录中",
                          "not in the catalogue"),
    "another kind": ("POS_CLUE", {"kind": "state"}, "/kind", "kind_impossible", "不能按state计分", "cannot count"),
    "both give and take": ("POS_BRAVE", {"values": [{"grade": "1", "points": 1}, {"grade": "2", "points": -1}]},
                           "/values", "signs_mixed", "不得既加分又减分", "gives and takes"),
    "falling rungs": ("POS_PATROL", {"values": [{"atLeast": 20, "points": 4}, {"atLeast": 10, "points": 8}]},
                      "/values", "rungs_fall", "逐档升高", "do not rise"),
    "months nobody lives": ("BASE_CLEAN", {"values": [{"atLeast": MONTHS_MAX + 1, "points": 1}]}, "/values",
                            "months_too_many", "月数最多1200", "at most 1200 months"),
    "the wrong sign": ("POS_CLUE", {"annualCap": -4}, "/annualCap", "cap_sign_wrong", "正负号", "wrong sign"),
    "good faith with a cap": ("BASE_CLEAN", {"annualCap": 20}, "/annualCap", "annual_cap_needless", "不设年度上限",
                              "no annual cap"),
    "an unknown dimension": ("POS_CLUE", {"dimension": "luck"}, "/dimension", "dimension_unknown", "没有维度luck",
                             "dimension luck is unknown"),
    "a clause twice": ("POS_CLUE", {"clause": "1.1"}, "/clause", "clause_twice", "条款号重复", "stands twice"),
}  # fmt: skip


@pytest.mark.parametrize(("indicator", "changes", "place", "code", "zh", "en"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_is_named_at_its_place_in_both_languages(
    client: AsyncClient, editor: OfficialLogin, book: dict[str, Any], indicator: str, changes: dict[str, Any],
    place: str, code: str, zh: str, en: str,
) -> None:  # fmt: skip
    pointer = f"/document/indicators/{place_of(book, indicator)}{place}"
    for language, words in (("zh-CN", zh), ("en", en)):
        answer = await put(client, editor, book, on(indicator, **changes), language)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "rule_book_invalid"), answer.text
        [error] = [one for one in problem["errors"] if (one["pointer"], one["code"]) == (pointer, code)]
        assert words in error["detail"]
        assert any(words in reason["text"] for reason in problem["reasons"])


async def test_all_faults_are_named_at_once(client: AsyncClient, editor: OfficialLogin, book: dict[str, Any]) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["levels"].reverse()
        find(document, "POS_CLUE")["topic"] = "speech"
        document["dimensions"][0]["floor"] = 141
        document["code"], document["version"] = "other", 99

    problem = (await put(client, editor, book, spoil)).json()
    assert {error["code"] for error in problem["errors"]} >= {
        "levels_fall", "topic_denied", "floor_above_cap", "code_fixed", "version_wrong",
    }  # fmt: skip


def edge(name: str, most: int) -> dict[str, tuple[Edit, bool]]:
    """Make lists of the largest size, and of one more; that they repeat themselves is a fault, not a size."""
    return {f"{name}, {count}": (repeat(name, count), count <= most) for count in (most, most + 1)}


def repeat(name: str, count: int) -> Edit:
    return lambda document: document.update({name: document[name][:1] * count})


EDGES: dict[str, tuple[Edit, bool]] = {
    **edge("dimensions", DIMENSIONS_MAX), **edge("levels", LEVELS_MAX), **edge("indicators", INDICATORS_MAX),
    **edge("engineRules", ENGINE_RULES_MAX),
    "no engine rules": (lambda d: d.update(engineRules=[]), False),
    "no levels": (lambda d: d.update(levels=[]), False),
    "the longest title": (lambda d: d.update(titleZh="长" * TITLE_CHARACTERS_MAX), True),
    "a longer title": (lambda d: d.update(titleZh="长" * (TITLE_CHARACTERS_MAX + 1)), False),
    "no title": (lambda d: d.update(titleZh="  "), False),
    "a title of two lines": (lambda d: d.update(titleZh="一\n二"), False),
    "the longest words": (lambda d: d["engineRules"][0].update(zh="长" * WORDS_CHARACTERS_MAX), True),
    "longer words": (lambda d: d["engineRules"][0].update(zh="长" * (WORDS_CHARACTERS_MAX + 1)), False),
    "the most points": (on("POS_CLUE", values=[{"points": POINTS_MAX}]), True),
    "more points": (on("POS_CLUE", values=[{"points": POINTS_MAX + 1}]), False),
    "half a point": (on("POS_CLUE", values=[{"points": 1.5}]), False),
    "points as text": (on("POS_CLUE", values=[{"points": "1"}]), False),
    "the longest validity": (on("POS_CLUE", validityMonths=MONTHS_MAX), True),
    "a longer one": (on("POS_CLUE", validityMonths=MONTHS_MAX + 1), False),
    "no validity": (on("POS_CLUE", validityMonths=0), False),
    "the most rungs": (on("POS_PATROL", values=[{"atLeast": n, "points": n} for n in range(VALUES_MAX)]), True),
    "more rungs": (on("POS_PATROL", values=[{"atLeast": n, "points": n} for n in range(VALUES_MAX + 1)]), False),
    "the most months of good faith": (on("BASE_CLEAN", values=[{"atLeast": MONTHS_MAX, "points": 1}]), True),
    "an unknown field": (lambda d: d.update(mood="good"), False),
    "an unknown kind": (on("POS_CLUE", kind="curse"), False),
    "a code with a space": (lambda d: d["levels"][0].update(code="L 1"), False),
}  # fmt: skip


@pytest.mark.parametrize(("change", "is_read"), EDGES.values(), ids=EDGES.keys())
async def test_limits_hold_at_their_edges(
    client: AsyncClient, editor: OfficialLogin, ledger: dict[str, Any], book: dict[str, Any], change: Edit, *,
    is_read: bool,
) -> None:  # fmt: skip
    """What is beyond a limit is not read at all (400); what is within is stored, or its faults are named (200, 422)."""
    del ledger
    answer = await put(client, editor, book, change)
    assert (answer.status_code in {200, 422}) is is_read, answer.text
    assert answer.status_code == 400 or is_read
    if answer.status_code == 400:
        assert answer.json()["errors"][0]["pointer"].startswith("/document"), answer.text


async def test_both_families_can_be_edited(client: AsyncClient, editor: OfficialLogin, ledger: dict[str, Any]) -> None:
    def raise_the_base(document: dict[str, Any]) -> None:
        document["scale"]["base"] = 1010

    answer = await put(client, editor, ledger, raise_the_base)
    edited = book_of(answer)
    stored = await fetch_value("SELECT base FROM rule_book WHERE code = 'ledger' AND version = $1", edited["version"])
    assert (edited["document"]["scale"], stored) == ({"base": 1010, "min": None, "max": None}, 1010)


async def test_a_document_must_have_the_next_number(
    client: AsyncClient, editor: OfficialLogin, book: dict[str, Any]
) -> None:
    highest = await fetch_value("SELECT max(version) FROM rule_book WHERE code = 'rating'")
    for version in (1, highest, highest + 2):
        body = {"document": {**book["document"], "version": version}}
        problem = (await client.post(BOOKS, json=body, headers={**editor.headers, "Accept-Language": "en"})).json()
        faults = [(one["pointer"], one["code"], one["detail"]) for one in problem["errors"]]
        assert faults == [("/document/version", "version_wrong", f"the version must be {highest + 1}")]
    document = {**book["document"], "version": highest + 1}
    answer = await client.post(BOOKS, json={"document": document, "examples": [EXAMPLE]}, headers=editor.headers)
    assert (answer.status_code, answer.json()["version"], answer.json()["examplesCount"]) == (201, highest + 1, 1)
    assert answer.json()["document"] == document


async def test_a_city_may_have_a_book_of_its_own(client: AsyncClient, editor: OfficialLogin) -> None:
    shipped = (await client.get(f"{BOOKS}/{await find_id('rating', 1)}", headers=editor.headers)).json()["document"]
    for code, status in (("seaside_1", 201), ("Seaside", 400), ("a b", 400), ("", 400), ("a" * 33, 400)):
        body = {"document": {**shipped, "code": code, "version": 1}}
        answer = await client.post(BOOKS, json=body, headers=editor.headers)
        assert answer.status_code == status, (code, answer.text)


@pytest.mark.parametrize("body", [{}, {"copyFrom": None}, {"examples": []}])
async def test_a_draft_is_of_a_document_or_a_copy(
    client: AsyncClient, editor: OfficialLogin, body: dict[str, Any]
) -> None:
    answer = await client.post(BOOKS, json=body, headers=editor.headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "one_of")


async def test_a_copy_takes_no_examples_from_elsewhere(
    client: AsyncClient, editor: OfficialLogin, book: dict[str, Any]
) -> None:
    bodies: list[dict[str, Any]] = [
        {"copyFrom": book["id"], "examples": [EXAMPLE]},
        {"copyFrom": book["id"], "document": book["document"]},
    ]
    for body in bodies:
        assert (await client.post(BOOKS, json=body, headers=editor.headers)).status_code == 400
    unknown = {"copyFrom": "01890000-0000-7000-8000-000000000000"}
    assert (await client.post(BOOKS, json=unknown, headers=editor.headers)).status_code == 404
