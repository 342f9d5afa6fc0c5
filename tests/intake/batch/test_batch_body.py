"""What does not fit: bad items fail alone, bad bodies as a whole, and only importers are heard."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.intake.batch.routes import BODY_BYTES_MAX
from app.intake.fact.item import ITEMS_MAX
from tests.support.citizens import join
from tests.support.importing import (
    PATH,
    importer,
    item_of,
    outcomes_of,
    records_of,
    send,
    today,
)
from tests.support.officials import make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient


async def test_a_poisoned_item_fails_alone(client: AsyncClient) -> None:
    person = await join(client)
    poison: list[tuple[Any, str]] = [
        (None, "wrong_type"), (7, "wrong_type"), ([], "wrong_type"), ({}, "missing"),
        (item_of(person, points=5), "unknown_field"), (item_of(person, quantity="5"), "wrong_type"),
        (item_of(person, eventId="NUL\x00"), "event_id_invalid"), (item_of(person, eventId="😀"), "event_id_invalid"),
        (item_of(person, name="张\x00三"), "name_invalid"), (item_of(person, name="张😀"), "name_invalid"),
        (item_of(person, document="文" * 5_000), "document_invalid"),
        (item_of(person, indicator="x\x00"), "indicator_unknown"),
        (item_of(person, idNumber=person.id_number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))),
         "id_number_invalid"),
        (item_of(person, eventId="2.0261E+13"), "spoilt_scientific"),
        (item_of(person, eventId="待补"), "event_id_invalid"), (item_of(person, actId="#REF!"), "spoilt_error_value"),
        (item_of(person, idNumber="9.9E+17"), "spoilt_scientific"), (item_of(person, name="####"), "spoilt_too_narrow"),
        (item_of(person, document="3月4日"), "spoilt_month_day"), (item_of(person, grade="TRUE"), "spoilt_boolean"),
        (item_of(person, indicator="#N/A"), "spoilt_error_value"),
        (item_of(person, eventOn="4-Mar"), "spoilt_month_day"),
        (item_of(person, document="信访案件〔2026〕1号"), "topic_in_document"),
        (item_of(person, indicator="POS_VOL_HOURS", quantity=2**70), "quantity_out_of_range"),
        (item_of(person, eventOn=str(today() + timedelta(days=1))), "event_in_future"),
        (item_of(person, eventOn="1950-01-01"), "before_adulthood"),
    ]  # fmt: skip
    good = item_of(person)
    seen = await outcomes_of(client, *[item for item, _ in poison], good)
    assert seen == [*[code for _, code in poison], "accepted"]
    assert len(await records_of(person)) == 1


ASCII_WORD = re.compile(r"[A-Za-z]{2,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown member": ({"points": 5}, "unknown_field", "/points"),
    "text for a number": ({"quantity": "5"}, "wrong_type", "/quantity"),
    "number for a text": ({"source": 5}, "wrong_type", "/source"),
    "member left out": ({"idNumber": None}, "missing", "/idNumber"),
    "no date": ({"endsOn": "2026-02-30"}, "date_invalid", "/endsOn"),
    "no day of the calendar": ({"eventOn": "2026-02-30"}, "date_invalid", "/eventOn"),
    "no ID number": ({"idNumber": "1"}, "id_number_invalid", "/idNumber"),
    "unknown indicator": ({"indicator": "NO_SUCH"}, "indicator_unknown", "/indicator"),
    "needless grade": ({"grade": "1"}, "grade_unknown", "/grade"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_refusal_says_what_is_wrong_and_where(client: AsyncClient, name: str) -> None:
    """Alone the item is the body; in an array the pointer begins with its place. Each language is one language."""
    changes, code, pointer = WRONG[name]
    person, official = await join(client), await importer()
    wrong = item_of(person, **changes)
    for body, place in ((wrong, ""), ([item_of(person), wrong], "/1")):
        said = {}
        for language in ("zh", "en"):
            answer = await send(client, body, official, language=language)
            reason = answer.json()["items"][-1]["reason"]
            assert (reason["code"], reason["pointer"]) == (code, place + pointer), reason
            said[language] = reason["text"].replace(pointer[1:], "").replace("ID", "")
        assert HAN.search(said["zh"])
        assert not HAN.search(said["en"])
        assert set(ASCII_WORD.findall(said["zh"])) <= {"null", "YYYY", "MM", "DD"}, said["zh"]


async def test_a_raw_body_reaches_its_items(client: AsyncClient) -> None:
    """A number no decoder takes, and a text that is not UTF-8, are their items' faults alone."""
    person, official = await join(client), await importer()
    good = msgspec.json.encode(item_of(person))
    body = b"[" + good[:-1] + b',"quantity":1e999},' + good.replace(b"civil", b"\xff") + b"," + good + b"]"
    answer = await client.post(PATH, content=body, headers=official.headers | {"Content-Type": "application/json"})
    assert [one["outcome"] for one in answer.json()["items"]] == ["refused", "refused", "accepted"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_request"),
        (b"[", 400, "malformed_request"),
        (b'"x"', 400, "malformed_request"),
        (b"null", 400, "malformed_request"),
        (b"\xff\xfe", 400, "malformed_request"),
        (b"[" * 200_000, 400, "malformed_request"),
        (b"[" + b"1," * ITEMS_MAX + b"1]", 400, "too_many_items"),
        (b"[" + b" " * BODY_BYTES_MAX + b"]", 413, "body_too_large"),
    ],
    ids=["empty", "cut", "text", "null", "bytes", "deep", "many", "large"],
)
async def test_a_body_that_is_no_batch(client: AsyncClient, body: bytes, status: int, code: str) -> None:
    official = await importer()
    answer = await client.post(PATH, content=body, headers=official.headers | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_content_type_is_not_read(client: AsyncClient) -> None:
    official = await importer()
    answer = await client.post(PATH, content=b"[]", headers=official.headers | {"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_full_batch_is_taken(client: AsyncClient) -> None:
    people = [await join(client) for _ in range(4)]
    items = [item_of(people[number % 4], indicator="POS_CLUE") for number in range(ITEMS_MAX)]
    assert len(msgspec.json.encode(items)) > 64 * 1024, "more than an ordinary route takes"
    assert await outcomes_of(client, *items) == ["accepted"] * ITEMS_MAX
    assert await outcomes_of(client, *items) == ["duplicate"] * ITEMS_MAX
    assert await outcomes_of(client) == []


async def test_only_importers_send_records(client: AsyncClient) -> None:
    person = await join(client)
    reviewer = await make_official(roles=["reviewer", "auditor", "administrator", "caseworker"])
    assert (await send(client, item_of(person), reviewer)).status_code == 403
    assert (await client.post(PATH, json=item_of(person))).status_code == 401
    assert (await client.post(PATH, json=item_of(person), headers=person.headers)).status_code == 401
    assert await records_of(person) == []
