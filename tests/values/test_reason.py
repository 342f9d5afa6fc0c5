"""Reasons and faults: the one shape of what people are told is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

import app.main  # noqa: F401 - every room has been imported by now
from app.kit.errors import NotFound
from app.kit.web.http import Wire, show_reason
from app.values.fault import Fault, make_pointer
from app.values.reason import Reason

WRONG = Reason(code="wrong", zh="有误", en="it is wrong")


class Worse(Fault, frozen=True, kw_only=True):
    """A fault that says more."""

    column: str = ""


def test_a_reason_becomes_a_fault_at_a_place() -> None:
    fault = Fault.of(WRONG, "/a")
    assert fault == Fault.at("/a", "wrong", "有误", "it is wrong")
    assert fault.below("/b") == Fault.at("/b/a", "wrong", "有误", "it is wrong")
    assert Fault.of(fault, "") == Fault.at("", "wrong", "有误", "it is wrong")


def test_what_is_more_than_a_fault_remains_so() -> None:
    worse = msgspec.structs.replace(Worse.of(WRONG, "/a"), column="甲")
    assert worse.below("/b") == Worse(pointer="/b/a", code="wrong", zh="有误", en="it is wrong", column="甲")


def test_a_refusal_is_a_fault_at_a_place() -> None:
    assert NotFound.fault("/id") == Fault.at("/id", "not_found", NotFound.zh, NotFound.text("en"))


def test_a_reason_is_shown_in_one_language() -> None:
    assert [show_reason(WRONG, language).text for language in ("zh", "en")] == ["有误", "it is wrong"]


@pytest.mark.parametrize(("steps", "pointer"), [((), ""), (("a", 0), "/a/0"), (("a/b", "~"), "/a~1b/~0"), (("",), "/")])
def test_pointers(steps: tuple[str | int, ...], pointer: str) -> None:
    assert make_pointer(*steps) == pointer


def test_nobody_has_a_reason_of_their_own() -> None:
    own = [
        kind
        for kind in iter_kinds(msgspec.Struct)
        if kind.__module__.startswith("app.")
        and {"code", "zh", "en"} <= set(kind.__struct_fields__)
        and not issubclass(kind, Reason | Wire)
    ]
    assert own == []


def iter_kinds(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Yield every struct there is below a kind."""
    for child in kind.__subclasses__():
        yield child
        yield from iter_kinds(child)
