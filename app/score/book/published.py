"""From the published rule book, as anybody may read it, back to the document it is. Pure."""

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
        told = msgspec.json.decode(text, type=dict[str, Any])
        told["indicators"] = [_keep(RuleIndicator, indicator) for indicator in told["indicators"]]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        fault = Fault.at("", "invalid", "不是计分规则", f"it is no rule book: {error}")
        raise RuleBookWrong([fault]) from error
    return parse_book_in_force(msgspec.json.encode(_keep(RuleBook, told)), catalogue)


def compute_document(book: RuleBook) -> str:
    """Return a rule book as its document: every term that says something, none that only repeats a default.

    Two documents with the same terms are the same text, so that a digest of it is one of the terms.
    """
    return msgspec.json.encode(_drop_defaults(book)).decode()


def _keep(kind: type[Part], told: dict[str, Any]) -> dict[str, Any]:
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in told.items() if name in names}


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
