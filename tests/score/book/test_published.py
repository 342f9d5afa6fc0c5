"""The published rule book is the document itself: anybody can turn it back, and its digest is the engine's."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from app.kit.db.database import fetch_value
from app.record.catalogue import CATALOGUE
from app.score.book.check import RuleBookWrong, parse_rule_book
from app.score.book.document import RuleBook
from app.score.book.published import compute_document, parse_published
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.book.views import show_book
from tests.support.officials import make_official
from tests.support.rule_books import BOOKS, copy_book

if TYPE_CHECKING:
    from httpx2 import AsyncClient

LEDGER_FILE = STANDARD_BOOK_FILE.with_name("ledger_v1.json")
SHIPPED = {"rating": STANDARD_BOOK_FILE.read_text(encoding="utf-8"), "ledger": LEDGER_FILE.read_text(encoding="utf-8")}
DIGEST = "SELECT sha256(convert_to($1::jsonb::text, 'UTF8'))"


async def test_what_anybody_reads_has_the_digest_scores_are_computed_under(client: AsyncClient) -> None:
    book = parse_published((await client.get("/v1/rule-books/current")).content, CATALOGUE)
    assert book == STANDARD_BOOK
    stored = await fetch_value("SELECT digest FROM rule_book WHERE state = 'active'")
    assert await fetch_value(DIGEST, compute_document(book)) == stored


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("family", SHIPPED)
async def test_both_families_come_back_from_what_is_published(family: str) -> None:
    book = parse_rule_book(SHIPPED[family], CATALOGUE)
    published = msgspec.json.encode(show_book(book))
    again = parse_published(published, CATALOGUE)
    assert again == book
    assert await fetch_value(DIGEST, compute_document(again)) == await fetch_value(DIGEST, SHIPPED[family])


@pytest.mark.usefixtures("app")
async def test_a_document_that_spells_out_every_default_is_the_same() -> None:
    spelled_out = msgspec.json.encode(STANDARD_BOOK)
    again = parse_published(spelled_out, CATALOGUE)
    assert compute_document(again) == compute_document(STANDARD_BOOK)
    assert len(compute_document(again)) < len(spelled_out)


async def test_a_drafted_book_is_stored_as_the_document_it_is(client: AsyncClient) -> None:
    """However an official's tool spells it, its digest is that of what will be published."""
    editor = await make_official(roles=["editor"])
    copied = await copy_book(client, editor)
    book = msgspec.structs.replace(STANDARD_BOOK, version=copied["version"])
    spelled_out = {"document": msgspec.to_builtins(book)}
    headers = {**editor.headers, "If-Match": copied["etag"]}
    answer = await client.put(f"{BOOKS}/{copied['id']}", json=spelled_out, headers=headers)
    assert answer.status_code == 200, answer.text
    stored = await fetch_value("SELECT digest FROM rule_book WHERE public_id = $1", UUID(copied["id"]))
    assert stored == await fetch_value(DIGEST, compute_document(book))


def test_a_document_is_read_and_any_term_of_it_counts() -> None:
    document: dict[str, Any] = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    assert parse_published(STANDARD_BOOK_FILE.read_bytes(), CATALOGUE) == STANDARD_BOOK
    changed = copy.deepcopy(document)
    changed["indicators"][0]["values"][0]["points"] += 1
    assert compute_document(parse_published(msgspec.json.encode(changed), CATALOGUE)) != compute_document(STANDARD_BOOK)


def test_what_was_added_for_readers_is_passed_over() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(show_book(STANDARD_BOOK)))
    shown |= {"effectiveOn": "2027-01-01", "more": [1]}
    shown["indicators"][0]["note"] = "…"
    assert parse_published(msgspec.json.encode(shown), CATALOGUE) == STANDARD_BOOK


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"indicators":[1]}', b'{"indicators":null}', b'{"indicators":[{}]}', b"\xff"]
)
def test_what_is_no_rule_book(text: bytes) -> None:
    with pytest.raises(RuleBookWrong):
        parse_published(text, CATALOGUE)


def test_a_denied_topic_comes_in_by_no_path() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(show_book(STANDARD_BOOK)))
    shown["indicators"][0]["topic"] = "petition"
    with pytest.raises(RuleBookWrong, match="denied"):
        parse_published(msgspec.json.encode(shown), CATALOGUE)


def test_every_term_has_a_place_in_the_document() -> None:
    document = msgspec.json.decode(compute_document(STANDARD_BOOK))
    assert set(document) == {field.encode_name for field in msgspec.structs.fields(RuleBook)}
