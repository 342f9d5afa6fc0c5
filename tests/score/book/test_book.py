"""The rule book as a document: what the loader refuses, and that data alone decides."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from app.kit.db.database import fetch_value, transaction
from app.record.catalogue import CATALOGUE
from app.score.book import queries as book_queries
from app.score.book.check import RuleBookWrong, parse_rule_book
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.book.text import describe_clause
from app.score.engine.parts import compute_level, compute_next_level
from tests.score.engine.cases import CLEAN, fact, parts_of, score_of

DOCUMENT: dict[str, Any] = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
LEDGER = STANDARD_BOOK_FILE.with_name("ledger_v1.json").read_text(encoding="utf-8")
Edit = Callable[[dict[str, Any]], object]


def edited(*edits: Edit) -> str:
    """Return the standard document with changes."""
    document = copy.deepcopy(DOCUMENT)
    for edit in edits:
        edit(document)
    return msgspec.json.encode(document).decode()


def on(indicator: str, **changes: object) -> Edit:
    """Change one indicator."""
    return lambda document: next(i for i in document["indicators"] if i["code"] == indicator).update(changes)


FAULTS: dict[str, tuple[Edit, str]] = {
    "a denied topic": (on("POS_CLUE", topic="petition"), "denied"),
    "every denied topic has a title": (on("POS_CLUE", topic="speech"), "speech online and in groups"),
    "an unlisted topic": (on("POS_CLUE", topic="astrology"), "not on the closed list"),
    "another topic than the catalogue's": (on("POS_CLUE", topic="charity"), "its topic is public_safety"),
    "an indicator outside the catalogue": (on("POS_CLUE", code="POS_SMILE"), "not in the catalogue"),
    "an unknown field": (on("POS_CLUE", mood="good"), "mood"),
    "a fraction of a point": (on("POS_CLUE", values=[{"points": 1.5}]), "int"),
    "an unknown kind": (on("POS_CLUE", kind="curse"), "curse"),
    "a kind its records cannot have": (on("POS_CLUE", kind="state"), "cannot count as state"),
    "a grade outside the catalogue": (on("POS_BRAVE", values=[{"grade": "9", "points": 1}]), "grades"),
    "a graded one without grades": (on("POS_BRAVE", values=[{"points": 1}]), "grades"),
    "a grade twice": (on("POS_BRAVE", values=[{"grade": "1", "points": 1}] * 2), "grades"),
    "rungs that fall": (
        on("POS_PATROL", values=[{"atLeast": 20, "points": 4}, {"atLeast": 10, "points": 8}]), "do not rise"),
    "rungs that are worth less": (
        on("POS_PATROL", values=[{"atLeast": 10, "points": 8}, {"atLeast": 20, "points": 4}]), "do not rise"),
    "a rung with a validity": (on("POS_PATROL", values=[{"atLeast": 1, "points": 8, "validityMonths": 1}]), "a rung"),
    "a rung outside a ladder": (on("POS_CLUE", values=[{"atLeast": 1, "points": 8}]), "only a ladder"),
    "two values": (on("POS_CLUE", values=[{"points": 8}, {"points": 9}]), "more than one value"),
    "no value": (on("POS_CLUE", values=[]), "length"),
    "a ceiling without one": (on("NEG_COURT_LISTED", values=[{"points": -200}]), "ceiling is missing"),
    "a ceiling below the scale": (on("NEG_COURT_LISTED", values=[{"points": -1, "ceiling": -1}]), "below the scale"),
    "giving and taking": (
        on("POS_BRAVE", values=[{"grade": "1", "points": 1}, {"grade": "2", "points": -1}]), "gives and takes"),
    "a cap of the wrong sign": (on("POS_CLUE", annualCap=-4), "wrong sign"),
    "a ladder that doubles": (on("POS_PATROL", doubles=True), "only acts double"),
    "acts that add up": (on("POS_CLUE", addsUp=True), "only states add up"),
    "superseding itself": (on("BASE_SI_36M", supersedes=["BASE_SI_36M"]), "supersedes"),
    "superseding the unknown": (on("BASE_SI_36M", supersedes=["NOTHING"]), "supersedes"),
    "an unknown dimension": (on("POS_CLUE", dimension="luck"), "luck is unknown"),
    "an indicator twice": (lambda d: d["indicators"].append(d["indicators"][0]), "twice"),
    "levels that fall": (lambda d: d["levels"].reverse(), "do not rise"),
    "a gap below the first level": (lambda d: d["scale"].update(min=-10), "first level"),
    "a level above the scale": (lambda d: d["scale"].update(max=600), "above"),
    "a floor above its cap": (lambda d: d["dimensions"][0].update(floor=141), "above the cap"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_the_loader_refuses(edit: Edit, words: str) -> None:
    with pytest.raises(RuleBookWrong, match=words):
        parse_rule_book(edited(edit), CATALOGUE)


@pytest.mark.parametrize("topic", sorted(CATALOGUE.denied_topics))
def test_no_denied_topic_can_be_an_indicator(topic: str) -> None:
    with pytest.raises(RuleBookWrong, match="denied"):
        parse_rule_book(edited(on("POS_CLUE", topic=topic)), CATALOGUE)
    with pytest.raises(RuleBookWrong, match="not in the catalogue"):
        parse_rule_book(edited(on("POS_CLUE", code=topic)), CATALOGUE)


def test_not_json() -> None:
    with pytest.raises(RuleBookWrong):
        parse_rule_book("{", CATALOGUE)


def test_every_catalogued_indicator_is_in_the_published_book() -> None:
    assert {indicator.code for indicator in STANDARD_BOOK.indicators} == set(CATALOGUE.indicators)
    assert all(
        (CATALOGUE.indicators[i.code].title_zh, CATALOGUE.indicators[i.code].needs_document)
        == (i.title_zh, i.needs_document)
        for i in STANDARD_BOOK.indicators
    )


def test_clauses_are_unique_and_say_what_counts() -> None:
    clauses = [indicator.clause for indicator in STANDARD_BOOK.indicators]
    assert len(set(clauses)) == len(clauses)
    for indicator in STANDARD_BOOK.indicators:
        for language in ("zh", "en"):
            text = describe_clause(indicator, language)
            assert text.startswith(f"{indicator.clause} ")
            assert all(f"{value.points:+d}" in text for value in indicator.values)


@pytest.mark.parametrize(
    ("value", "level", "following"),
    [
        (0, "L1", "L2"), (499, "L1", "L2"), (500, "L2", "L3"), (599, "L2", "L3"), (600, "L3", "L4"), (649, "L3", "L4"),
        (650, "L4", "L5"), (679, "L4", "L5"), (680, "L5", None), (1000, "L5", None), (-5, "L1", "L2"),
    ],
)  # fmt: skip
def test_levels_have_inclusive_lower_edges(value: int, level: str, following: str | None) -> None:
    above = compute_next_level(value, STANDARD_BOOK.levels)
    assert compute_level(value, STANDARD_BOOK.levels) is STANDARD_BOOK.level(level)
    assert (above.code if above else None) == following


@pytest.mark.usefixtures("app")
async def test_the_active_book_in_the_database_is_the_published_one() -> None:
    document = await fetch_value("SELECT document FROM rule_book WHERE state = 'active'")
    assert parse_rule_book(document, CATALOGUE) == STANDARD_BOOK


async def make_book(version: int, *edits: Edit) -> int:
    """Store a variant of the standard book as a draft."""
    document = edited(*edits, lambda d: d.update(version=version))
    parse_rule_book(document, CATALOGUE)
    async with transaction():
        return await book_queries.insert_rule_book(document, "draft")


@pytest.mark.usefixtures("app")
async def test_the_scale_holds_at_both_ends() -> None:
    top = [fact("POS_AWARD", grade="nation"), fact("POS_SERVICE_MERIT", grade="1")]
    book_id = await make_book(101, lambda d: d.update(scale={"base": 500, "min": 400, "max": 700}),
                              lambda d: d["levels"][0].update(atLeast=400))  # fmt: skip
    high, low = await score_of(*top, book_id=book_id), await score_of(fact("NEG_COURT_LISTED"), book_id=book_id)
    assert (high.value, parts_of(high)["scale:"], high.level) == (700, 700 - 500 - 60 - 250, "L5")
    assert (low.value, parts_of(low)["scale:"], low.level) == (400, 100, "L1")


@pytest.mark.usefixtures("app")
async def test_a_ceiling_comes_after_the_scale() -> None:
    mild = on("NEG_COURT_LISTED", values=[{"points": -1, "ceiling": 650}], exclusiveGroup=None)
    book_id = await make_book(102, lambda d: d.update(scale={"base": 500, "min": 0, "max": 700}), mild)
    records = [
        fact("NEG_COURT_LISTED"), fact("POS_AWARD", grade="nation"), fact("POS_SERVICE_MERIT", grade="1"),
    ]  # fmt: skip
    parts = parts_of(await score_of(*records, book_id=book_id))
    assert (parts["scale:"], parts["ceiling:650"]) == (-49, -50)


@pytest.mark.usefixtures("app")
async def test_minor_severity_scores_nothing_and_breaks_no_good_faith() -> None:
    book_id = await make_book(103, on("NEG_TAX_ARREARS", severity="minor"),
                              on("NEG_EXAM_FRAUD", values=[{"grade": "1", "points": -20, "severity": "minor"},
                                                           {"grade": "2", "points": -40}]))  # fmt: skip
    minor = [fact("NEG_TAX_ARREARS"), fact("NEG_EXAM_FRAUD", grade="1")]
    assert parts_of(await score_of(*minor, book_id=book_id)) == CLEAN
    assert parts_of(await score_of(fact("NEG_EXAM_FRAUD", grade="2"), book_id=book_id)) == {"NEG_EXAM_FRAUD": -40}


@pytest.mark.usefixtures("app")
async def test_superseding_reaches_down_a_chain() -> None:
    book_id = await make_book(
        104, on("BASE_TAX_OK", supersedes=["BASE_SI_36M", "BASE_SI_12M"], values=[{"points": 25}])
    )
    records = [fact("BASE_SI_12M"), fact("BASE_SI_36M"), fact("BASE_TAX_OK")]
    assert parts_of(await score_of(*records, book_id=book_id)) == {**CLEAN, "BASE_TAX_OK": 25}


@pytest.mark.usefixtures("app")
async def test_the_points_ledger_runs_from_data_alone() -> None:
    """No ceiling above, one list, no good faith, grades with a ceiling of their own, negative totals."""
    async with transaction():
        book_id = await book_queries.insert_rule_book(LEDGER.replace('"version": 1', '"version": 7'), "draft")
    none = await score_of(book_id=book_id)
    assert (none.value, none.level, parts_of(none)) == (1000, "A", {})
    assert (await score_of(fact("POS_AWARD", grade="province"), book_id=book_id)).level == "AAA"
    drunk = await score_of(
        fact("NEG_TRAFFIC_MAJOR", grade="2"), fact("POS_MARROW"), consents=("pos_marrow",), book_id=book_id
    )
    assert (drunk.value, drunk.level) == (1000 - 100 + 50, "B")
    mild = [fact("NEG_TRAFFIC_MAJOR", grade="1"), fact("POS_AWARD", grade="province")]
    assert parts_of(await score_of(*mild, book_id=book_id))["ceiling:999"] == 999 - (1000 - 30 + 60)
    lost = [fact("NEG_FALSE_COMMIT", f"2026-{m:02d}-01") for m in range(1, 12)] + [fact("NEG_COURT_LISTED")]
    low = await score_of(*lost, book_id=book_id)
    assert (low.value, low.level) == (1000 - 400 - 50 - 10 * 100, "D")


@pytest.mark.usefixtures("app")
async def test_a_book_that_is_not_of_the_day_does_not_score() -> None:
    await make_book(105, lambda d: d.update(scale={"base": 900, "min": 0, "max": 1000}))
    assert (await score_of()).base == 500


def test_titles_of_levels_are_as_published() -> None:
    assert [(level.at_least, level.title_zh) for level in STANDARD_BOOK.levels] == [
        (0, "待提升"), (500, "中等"), (600, "良好"), (650, "优秀"), (680, "极好"),
    ]  # fmt: skip
