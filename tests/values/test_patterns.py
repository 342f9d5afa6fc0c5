"""Every thing that has a pattern has one, and all who read it take the same texts, none with a line break after it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from app.campaign.terms import texts
from app.intake.fact.judge import is_source
from app.intake.points import ledger
from app.intake.points import schemas as points_schemas
from app.intake.source.routes import SourceCode
from app.official import schemas as official_schemas
from app.official.account import is_username
from app.redemption.till import schemas as till_schemas
from app.repair import schemas as repair_schemas
from app.score.book import document
from app.score.draft import schemas as draft_schemas
from app.values import patterns
from tests.support.description import DESCRIPTION

APP = Path(patterns.__file__).parents[1]
PATTERNS = {
    name: text for name, text in vars(patterns).items() if isinstance(text, str) and name.isupper() and text[0] == "^"
}
SOURCES = (["ab", "a_b.c-9", "a" * 40, "..", "0-"], ["", "a", "A1", "a b", "a/b", "a" * 41, "源源"])
CATALOGUE_CODES = (["ABC", "A12", "BASE_ID_VERIFIED", "A" * 64], ["", "AB", "abc", "1AB", "_AB", "A-B", "A" * 65])
CODES = (["a", "0", "A-_.9", "z" * 64], ["", "-a", ".a", "a b", "a/b", "a\0", "码"])
BOOK_CODES = (["a", "a_1", "z" * 32], ["", "A", "1a", "_a", "a-b", "a.b"])
SCENARIOS = (["ab", "a_1", "a" * 40], ["", "a", "A1", "1a", "_a", "a-b", "a" * 41])
USERNAMES = (["abc", "0ab", "a._-", "a" * 64], ["", "ab", ".ab", "Abc", "a b", "a" * 65])
LINE = (["a", " 字 ", "😀"], ["", " ", "\u3000", "a\0", "a\tb", "a\x7f", "a\nb"])
LINES = (["a", "a\nb", " \n字"], ["", " ", "\n", "a\0", "a\tb", "a\rb", "a\x7f"])
REFERENCES = (["a", "~!/:#", "A" * 64], ["", " ", "a b", "a\x7f", "号"])
REMARKS = ([" ", "退 货", "a\x7f"], ["", "a\0", "a\tb", "a\nb"])
EVENT_IDS = (["a", "A:/-_.9"], ["", "a#1", "a b", "号"])
DIGITS = (["000000", "123456"], ["", "12345", "1234567", "１２３４５６", "12345a"])
CREDIT_CODES = (["96" + "0" * 20], ["", "96" + "0" * 19, "96" + "0" * 21, "95" + "0" * 20])


def taken_as(kind: Any) -> Callable[[str], bool]:
    """Return whether a text is taken as this type."""

    def takes(text: str) -> bool:
        try:
            msgspec.convert(text, kind)
        except msgspec.ValidationError:
            return False
        return True

    return takes


READERS: list[tuple[str, Callable[[str], bool], tuple[list[str], list[str]]]] = [
    ("a source on a path", taken_as(SourceCode), SOURCES),
    ("a source in a file", is_source, SOURCES),
    ("a source of an objection", taken_as(repair_schemas.Source), SOURCES),
    ("a kind of points", taken_as(ledger.PointKind), SOURCES),
    ("an indicator of an objection", taken_as(repair_schemas.Code), CATALOGUE_CODES),
    ("a benefit", taken_as(texts.Code), CODES),
    ("a part of a rule book", taken_as(document.Code), CODES),
    ("a rule book", taken_as(document.BookCode), BOOK_CODES),
    ("a scenario", taken_as(texts.ScenarioCode), SCENARIOS),
    ("a username", is_username, USERNAMES),
    ("a title of a campaign", taken_as(texts.Title), LINE),
    ("words of a campaign", taken_as(texts.Words), LINE),
    ("a title in a rule book", taken_as(document.Title), LINE),
    ("words in a rule book", taken_as(document.Words), LINE),
    ("a note on a rule book", taken_as(draft_schemas.Note), LINE),
    ("a summary", taken_as(texts.Summary), LINES),
    ("a note on a campaign", taken_as(texts.Note), LINES),
    ("a reference", taken_as(till_schemas.Reference), REFERENCES),
    ("why it is reversed", taken_as(till_schemas.ReversalReason), REMARKS),
    ("an event of points", taken_as(points_schemas.EventId), EVENT_IDS),
    ("a TOTP", taken_as(official_schemas.Totp), DIGITS),
    ("a credit code", taken_as(Annotated[str, msgspec.Meta(pattern=patterns.CREDIT_CODE)]), CREDIT_CODES),
]


@pytest.mark.parametrize(("reader", "texts_"), [pytest.param(r, t, id=name) for name, r, t in READERS])
def test_what_is_taken(reader: Callable[[str], bool], texts_: tuple[list[str], list[str]]) -> None:
    taken, refused = texts_
    after = [] if texts_ is LINES else [f"{text}\n" for text in taken]
    assert [text for text in taken if not reader(text)] == []
    assert [text for text in (*refused, *after) if reader(text)] == []


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_fits_the_whole_text(name: str) -> None:
    if name not in {"ONE_LINE", "LINES"}:  # these say with lookaheads what must not be anywhere
        assert PATTERNS[name] == patterns.whole(PATTERNS[name][1:-7]), "it is made by whole()"


def test_what_is_published_is_written_here() -> None:
    published = set(iter_patterns(DESCRIPTION))
    assert published <= set(PATTERNS.values())
    assert published >= {patterns.SOURCE_CODE, patterns.CODE, patterns.LINES}


def test_nobody_writes_a_pattern_of_their_own() -> None:
    own = [
        f"{path.relative_to(APP)}:{node.value.lineno}"
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "pattern" and not isinstance(node.value, ast.Name)
    ]
    assert not own, "a pattern has its place in app/values/patterns.py"


def iter_patterns(schema: Any) -> Iterator[str]:
    """Yield every pattern in a description."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from iter_patterns(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from iter_patterns(part)
