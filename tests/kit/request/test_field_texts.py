"""Whatever msgspec says of a field, people read a sentence in their language, with the number and without a pattern."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from app.kit.request.field_texts import TEXTS, find_error, read_message
from app.kit.request.fields import parse_field_error
from app.values.fault import Fault

CHINESE = re.compile(r"[一-鿿]")
ENGLISH = re.compile(r"[\x20-\x7e]+")


class Tagged(msgspec.Struct, tag="a"):
    """One of two shapes."""

    n: int


class Other(msgspec.Struct, tag="b"):
    """The other one."""


CASES: list[tuple[Any, object, str, str, str]] = [
    (Annotated[str, Meta(max_length=64)], "x" * 65, "too_long", "最多 64 个字符", "At most 64 characters"),
    (Annotated[str, Meta(max_length=1)] | None, "xx", "too_long", "最多 1 个字符", "At most 1 character"),
    (Annotated[str, Meta(min_length=11)], "x", "too_short", "至少 11 个字符", "At least 11 characters"),
    (Annotated[list[int], Meta(max_length=500)], [1] * 501, "too_long", "最多 500 项", "At most 500 items"),
    (Annotated[list[int], Meta(min_length=1)], [], "too_short", "至少 1 项", "At least 1 item"),
    (Annotated[int, Meta(le=100)], 101, "out_of_range", "最大为 100", "At most 100"),
    (Annotated[int, Meta(ge=-5)], -6, "out_of_range", "最小为 -5", "At least -5"),
    (Annotated[float, Meta(ge=0.5)], 0.1, "out_of_range", "最小为 0.5", "At least 0.5"),
    (Annotated[int, Meta(multiple_of=5)], 3, "out_of_range", "须为 5 的倍数", "A multiple of 5"),
    (Annotated[float, Meta(gt=0.5)], 0.1, "out_of_range", "超出允许范围", "Out of range"),
    (float, 10**400, "out_of_range", "超出允许范围", "Out of range"),
    (Annotated[str, Meta(pattern="^c(secret)$")], "x", "wrong_format", "格式不正确", "Not in the right format"),
    (UUID, "x", "wrong_format", "须为 UUID", "A UUID"),
    (date, "2026-13-01", "wrong_format", "须为日期，如 2026-01-31", "A date such as 2026-01-31"),
    (
        datetime, "yesterday", "wrong_format",
        "须为带时区的 RFC 3339 日期时间", "An RFC 3339 date and time with its zone",
    ),
    (
        Annotated[datetime, Meta(tz=True)], "2026-01-01T00:00:00", "wrong_format",
        "须为带时区的 RFC 3339 日期时间", "An RFC 3339 date and time with its zone",
    ),
    (str, 7, "wrong_type", "应为文本", "Must be text"),
    (int | None, "7", "wrong_type", "应为整数或空值（null）", "Must be an integer or null"),
    (Tagged | Other, 7, "wrong_type", "应为对象", "Must be an object"),
    (UUID, 7, "wrong_type", "应为UUID", "Must be a UUID"),
    (Literal["a", "b"], "secret", "unknown_value", "不是允许的取值", "Not one of the allowed values"),
    (Tagged | Other, {"type": "secret"}, "unknown_value", "不是允许的取值", "Not one of the allowed values"),
    (Tagged, {}, "missing", "缺少必填项", "Required"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "code", "zh", "en"), CASES)
def test_what_msgspec_says_is_said_in_both_languages(kind: Any, value: object, code: str, zh: str, en: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, kind)
    error = parse_field_error(str(refused.value))
    assert (error.code, error.zh, error.en) == (code, zh, en)


@pytest.mark.parametrize(
    ("message", "code", "zh", "en", "pointer"),
    [
        ("Object contains unknown field `Code`", "unknown_field", "未知字段", "Unknown field", "/Code"),
        ("'data'", "missing", "缺少请求体", "A body is needed", ""),
        ("something msgspec has never said", "invalid", "内容无效", "Not valid", ""),
        ("Expected `mystery`, got `int`", "wrong_type", "应为其他类型", "Must be of another type", ""),
    ],
)
def test_other_messages(message: str, code: str, zh: str, en: str, pointer: str) -> None:
    assert read_message(message) == Fault.at(pointer, code, zh, en)


@pytest.mark.parametrize("code", TEXTS)
def test_every_stable_code_has_a_sentence_in_both_languages(code: str) -> None:
    error = find_error("/x", code)
    assert CHINESE.search(error.zh)
    assert ENGLISH.fullmatch(error.en)
