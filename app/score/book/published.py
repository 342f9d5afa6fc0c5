"""The published rule book, as anybody may read it, turned back into its document. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from app.record.catalogue import Catalogue
from app.score.book.check import RuleBookWrong, parse_book_in_force
from app.score.book.document import Part, RuleBook, RuleIndicator
from app.values.fault import Fault


def parse_published(text: bytes, catalogue: Catalogue) -> RuleBook:
    """Read the answer of ``GET /v1/rule-books/current``, or a rule book's document.

    What was added for readers — sentences beside the terms, when it came into force — is passed over.
    """
    try:
        published = msgspec.json.decode(text, type=dict[str, Any])
        published["indicators"] = [_pick(RuleIndicator, indicator) for indicator in published["indicators"]]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        fault = Fault.at("", "invalid", "不是计分规则", f"it is no rule book: {error}")
        raise RuleBookWrong([fault]) from error
    return parse_book_in_force(msgspec.json.encode(_pick(RuleBook, published)), catalogue)


def compute_document(book: RuleBook) -> str:
    """Return a rule book as its document: every term but those that only repeat a default.

    Two documents with the same terms are the same text, so that a digest of it is one of the terms.
    """
    return msgspec.json.encode(_drop_defaults(book)).decode()


def _pick(kind: type[Part], published: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a part of the document has, without what was added for readers."""
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in published.items() if name in names}


def _drop_defaults(part: object) -> object:
    if isinstance(part, tuple):
        return [_drop_defaults(one) for one in part]
    if not isinstance(part, Part):
        return part
    return {
        field.encode_name: _drop_defaults(value)
        for field in msgspec.structs.fields(part)
        if (value := getattr(part, field.name)) != field.default
    }
