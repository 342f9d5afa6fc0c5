"""What is wrong with a field, in Chinese and English: what msgspec says, read into a stable code and two sentences."""

from __future__ import annotations

import re

from app.values.fault import Fault, make_pointer

BODY_PARAMETER = "data"


# A sentence for every stable code, for want of a more exact one.
TEXTS: dict[str, tuple[str, str]] = {
    "missing": ("缺少必填项", "Required"),
    "unknown_field": ("未知字段", "Unknown field"),
    "too_long": ("过长", "Too long"),
    "too_short": ("过短", "Too short"),
    "out_of_range": ("超出允许范围", "Out of range"),
    "wrong_format": ("格式不正确", "Not in the right format"),
    "wrong_type": ("类型不正确", "Of the wrong type"),
    "unknown_value": ("不是允许的取值", "Not one of the allowed values"),
    "nul_character": ("文本不得含有空字符（NUL）", "Text cannot hold a NUL character"),
    "too_deep": ("嵌套过深", "Nested too deeply"),
    "one_of": ("须提供其中一项，且只能一项", "Give exactly one of these"),
    "repeated": ("出现了不止一个值", "More than one value"),
    "invalid": ("内容无效", "Not valid"),
}
TYPES: dict[str, tuple[str, str]] = {
    "str": ("文本", "text"), "int": ("整数", "an integer"), "float": ("数字", "a number"),
    "decimal": ("数字", "a number"), "bool": ("布尔值", "true or false"), "array": ("数组", "an array"),
    "object": ("对象", "an object"), "null": ("空值（null）", "null"), "uuid": ("UUID", "a UUID"),
    "date": ("日期", "a date"), "datetime": ("日期时间", "a date with time"), "bytes": ("base64 文本", "base64 text"),
}  # fmt: skip
INSTANT = ("须为带时区的 RFC 3339 日期时间", "An RFC 3339 date and time with its zone")
# The first pattern that fits what msgspec says gives the code; without sentences of its own the code's are taken.
FORMS: tuple[tuple[re.Pattern[str], str, tuple[str, str] | None], ...] = (
    (re.compile(r"missing required field `(?P<member>.+)`"), "missing", None),
    (re.compile(r"unknown field `(?P<member>.+)`"), "unknown_field", None),
    (re.compile(r"`str` of length <= (?P<n>\d+)"), "too_long", ("最多 {n} 个字符", "At most {n} characters")),
    (re.compile(r" of length <= (?P<n>\d+)"), "too_long", ("最多 {n} 项", "At most {n} items")),
    (re.compile(r"`str` of length >= (?P<n>\d+)"), "too_short", ("至少 {n} 个字符", "At least {n} characters")),
    (re.compile(r" of length >= (?P<n>\d+)"), "too_short", ("至少 {n} 项", "At least {n} items")),
    (re.compile(r" <= (?P<n>-?[\d.]+)$"), "out_of_range", ("最大为 {n}", "At most {n}")),
    (re.compile(r" >= (?P<n>-?[\d.]+)$"), "out_of_range", ("最小为 {n}", "At least {n}")),
    (re.compile(r"multiple of (?P<n>[\d.]+)$"), "out_of_range", ("须为 {n} 的倍数", "A multiple of {n}")),
    (re.compile(r" [<>] |out of range"), "out_of_range", None),
    (re.compile(r"Invalid UUID"), "wrong_format", ("须为 UUID", "A UUID")),
    (re.compile(r"RFC3339 encoded datetime|with a timezone component"), "wrong_format", INSTANT),
    (re.compile(r"RFC3339 encoded date"), "wrong_format", ("须为日期，如 2026-01-31", "A date such as 2026-01-31")),
    (re.compile(r"matching regex|Invalid (?:RFC3339|base64|ISO8601|decimal)"), "wrong_format", None),
    (re.compile(r"^Expected .+, got "), "wrong_type", ("应为{type_zh}", "Must be {type_en}")),
    (re.compile(r"Invalid (?:enum )?value"), "unknown_value", None),
    (re.compile(rf"^'{BODY_PARAMETER}'$"), "missing", ("缺少请求体", "A body is needed")),
)
_NAMED_TYPES = re.compile(r"`([^`]+)`")
_ONE = re.compile(r"\b1 (character|item)s")


def read_message(message: str) -> Fault:
    """Read what msgspec says of one place; nothing of it is repeated: it may hold a pattern, or what was sent.

    The pointer begins at that place: it names a member of the object there, or is empty.
    """
    for pattern, code, sentences in FORMS:
        if match := pattern.search(message):
            zh, en = sentences or TEXTS[code]
            facts = match.groupdict() | _name_types(message)
            steps = [facts["member"]] if "member" in facts else []
            return Fault.at(make_pointer(*steps), code, zh.format(**facts), _ONE.sub(r"1 \1", en.format(**facts)))
    return find_error("", "invalid")


def find_error(pointer: str, code: str) -> Fault:
    """Return what is wrong at a place in the sentences of a code that every room shares."""
    return Fault.at(pointer, code, *TEXTS[code])


def _name_types(message: str) -> dict[str, str]:
    named = _NAMED_TYPES.search(message)
    pairs = [TYPES[name] for name in named[1].split(" | ") if name in TYPES] if named else []
    texts = pairs or [("其他类型", "of another type")]
    return {"type_zh": "或".join(zh for zh, _ in texts), "type_en": " or ".join(en for _, en in texts)}
