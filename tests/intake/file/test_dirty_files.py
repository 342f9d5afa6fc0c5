"""One dirty file through the whole pipeline: everything a department can get wrong, with exact numbers."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.db.database import execute, fetch_all, fetch_value
from app.values.days import add_months
from tests.support.citizens import join, make_id_number
from tests.support.files import (
    HEADER,
    count_of,
    finish,
    line_of,
    make_file,
    make_source,
    run_file,
    upload,
)
from tests.support.importing import importer, records_of, today

if TYPE_CHECKING:
    from pathlib import Path

    from httpx2 import AsyncClient

    from tests.support.citizens import Joined

SECONDS_MAX = 30  # for what used to go on for ever


class Held(msgspec.Struct, frozen=True):
    """What is asked of a row in quarantine."""

    row_number: int
    reason: str
    is_kept: bool


async def held_of(import_id: Any) -> dict[int, tuple[str, bool]]:
    rows = await fetch_all(
        Held,
        "SELECT row_number, reason, row_cipher IS NOT NULL AS is_kept FROM quarantine WHERE import_id = $1",
        import_id,
    )
    return {row.row_number: (row.reason, row.is_kept) for row in rows}


def break_checksum(number: str) -> str:
    return number[:-1] + ("0" if number[-1] != "0" else "1")


def list_dirt(person: Joined, other: Joined) -> list[tuple[str, str]]:
    """Return rows that cannot go in, each with its reason; all are about members."""
    return [
        (line_of(person, on=str(today() + timedelta(days=1))), "event_in_future"),
        (line_of(person, on="2026-02-30"), "date_unreadable"),
        (line_of(person, indicator="NO_SUCH"), "indicator_unknown"),
        (line_of(person, indicator="petition"), "topic_denied"),
        (line_of(person, indicator="POS_VOL_HOURS", quantity="-5"), "quantity_out_of_range"),
        (line_of(person, number=break_checksum(person.id_number)), "id_number_invalid"),
        (line_of(person, on="1950-01-01"), "before_adulthood"),
        (line_of(person, name="张三"), "name_mismatch"),
        (line_of(other, name="李四"), "id_number_of_two_names"),
        (line_of(other, name="王五"), "id_number_of_two_names"),
        (line_of(person, event='"=HYPERLINK(""http://x"")"'), "formula_in_cell"),
        (line_of(person, number=""), "value_missing"),
        (line_of(person)[:60], "row_truncated"),
        (line_of(person) + ",还有,更多", "row_overlong"),
        ('"' + line_of(person), "quote_unclosed"),
        (line_of(person) + "," * 1_000_000, "columns_too_many"),
        ("x" * 3_000_000, "row_too_long"),
        (HEADER, "header_repeated"),
    ]


async def test_every_kind_of_dirt_stays_behind_and_the_rest_goes_in(client: AsyncClient, tmp_path: Path) -> None:
    person, other, stranger = await join(client), await join(client), make_id_number()
    minor = make_id_number(born_on=date(today().year - 17, 1, 1))
    repeated = line_of(person)
    dirt = list_dirt(person, other)
    lines = [repeated, *(line for line, _ in dirt)]
    lines += [
        repeated,  # again: a duplicate
        line_of(person, number=stranger, name="陌生人"),
        line_of(person, number=stranger, name="陌生人", indicator="NO_SUCH"),  # nothing of a stranger is stored
        line_of(person, number=minor),
        repeated.replace("POS_RESCUE", "POS_CLUE"),  # the same event id, other facts
        line_of(person, indicator="POS_VOL_HOURS", quantity="３６０", on="２０２６/１/５"),
        line_of(person, on="2026年1月5日"),
        line_of(person, on="20260105"),
    ]
    source = await make_source()
    row = await run_file(tmp_path, make_file(*lines), source)
    counts = row.counts
    assert counts.summary == {
        "received": len(lines), "accepted": 4, "updated": 0, "duplicate": 1, "not_a_member": 1,
        "quarantined": len(dirt) + 3,
    }  # fmt: skip
    held = await held_of(row.id)
    expected = {number: (reason, True) for number, (_, reason) in enumerate(dirt, start=3)}
    after = len(dirt) + 3
    expected |= {
        after + 2: ("indicator_unknown", False), after + 3: ("minor", False), after + 4: ("event_id_reused", True),
    }  # fmt: skip
    assert held == expected
    assert len(await records_of(person)) == 4
    assert await count_of("score_due", citizen_id=person.id) == 1
    assert await count_of("event", subject_id=row.id, type="records.imported.v1") == counts.distribute.events > 0


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


REFUSED: dict[str, tuple[bytes, str]] = {
    "zip": (zipped("readme.txt"), "file_is_zip"),
    "a broken workbook": (b"PK\x03\x04" + b"\x00" * 100, "workbook_unreadable"),
    "utf-16": ("\ufeff事件编号,指标\r\n".encode("utf-16"), "file_is_utf16"),
    "empty": (b"", "file_empty"),
    "no header": (b"a,b,c\r\n1,2,3\r\n", "columns_missing"),
    "one column too many": (HEADER.encode() + b",x" * 1_000_000 + b"\r\n", "header_columns_too_many"),
    "a line without end": (b"x" * 2_000_000, "header_too_long"),
    "JSON": (b"[{}]", "json_not_lines"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_file_of_records_is_refused_whole(client: AsyncClient, name: str) -> None:
    content, code = REFUSED[name]
    source = await make_source()
    shown = await finish(client, await upload(client, content, source))
    assert (shown["state"], shown["refusal"]["code"]) == ("refused", code)
    assert shown["summary"]["received"] == 0
    for table in ("import_part", "quarantine"):
        assert await count_of(table, import_id=shown["id"]) == 0
    assert await count_of("source_day", source=source) == 0


async def test_gb18030_and_jsonl_are_read_like_utf8(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source()
    row = await run_file(tmp_path, make_file(line_of(person), line_of(person), encoding="gb18030"), source)
    assert row.counts.summary["accepted"] == 2
    item = {"eventId": "j1", "indicator": "POS_RESCUE", "idNumber": person.id_number, "name": person.name,
            "eventOn": "2026-01-05"}  # fmt: skip
    content = b"\n".join((msgspec.json.encode(item), b"{", b"", msgspec.json.encode(item | {"eventId": "j2"})))
    row = await run_file(tmp_path, content, source)
    assert row.counts.summary["accepted"] == 2
    assert await held_of(row.id) == {2: ("malformed", True)}


async def test_a_stranger_leaves_no_trace(client: AsyncClient, tmp_path: Path) -> None:
    """Neither rows nor hashes: what is stored of an import does not change with who else is in the file."""
    await join(client)
    source, number = await make_source(), make_id_number()
    stranger = [f"{event},POS_RESCUE,,{number},{name},2026-01-05,,,,," for event, name in
                (("evt-stranger-1", "赵钱孙"), ("evt-stranger-2", "周吴郑"), ("evt-stranger-3", "赵钱孙"))]  # fmt: skip
    row = await run_file(tmp_path, make_file(stranger[0], stranger[2]), source)
    assert row.counts.summary["not_a_member"] == 2
    two = await run_file(tmp_path, make_file(*stranger), source)
    assert await held_of(two.id) == dict.fromkeys((2, 3, 4), ("id_number_of_two_names", False))
    tables = await fetch_all(
        Name,
        "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    )
    assert len(tables) > 20
    for table in tables:
        dumped = await fetch_value(f'SELECT string_agg(t::text, chr(10)) FROM "{table.name}" t') or ""
        for secret in (number, "evt-stranger", "赵钱孙"):
            assert secret not in dumped, table.name


class Name(msgspec.Struct, frozen=True):
    """A table's name."""

    name: str


async def test_a_source_reports_only_what_it_is_registered_for(client: AsyncClient, tmp_path: Path) -> None:
    person = await join(client)
    source = await make_source(indicators=["POS_RESCUE"], honours=[])
    lines = (line_of(person), line_of(person, indicator="POS_CLUE"),
             line_of(person, indicator="", honour="GOOD_CITIZEN"))  # fmt: skip
    row = await run_file(tmp_path, make_file(*lines), source)
    assert row.counts.quarantined == {"not_of_this_source": 2}
    assert row.counts.summary["accepted"] == 1


async def test_an_honour_given_once_is_not_given_again_while_it_holds(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source()
    first, later = today() - timedelta(days=700), add_months(today() - timedelta(days=700), 24) + timedelta(days=1)
    assert later <= today() + timedelta(days=40)

    def award(on: date, **changes: Any) -> str:
        return line_of(person, indicator="", honour="GOOD_CITIZEN", on=str(on), **changes)

    lines = [award(first, event="g1"), award(first, event="g1"), award(first + timedelta(days=30)),
             award(first - timedelta(days=30))]  # fmt: skip
    row = await run_file(tmp_path, make_file(*lines), source)
    assert row.counts.summary["accepted"] == 1
    assert row.counts.summary["duplicate"] == 1
    assert row.counts.quarantined == {"honour_not_renewable": 2}
    taken_back = award(first, event="g1", ends=str(first + timedelta(days=60)))
    row = await run_file(tmp_path, make_file(taken_back, award(first + timedelta(days=60))), source)
    assert row.counts.summary["updated"] + row.counts.summary["accepted"] == 2
    renewed = [line_of(person, indicator="", honour="VOL_STAR", grade="3", on=str(first + timedelta(days=days)))
               for days in (0, 30)]  # fmt: skip
    row = await run_file(tmp_path, make_file(*renewed), source)
    assert row.counts.summary["accepted"] == 2, "a star is renewed"


async def test_events_that_lost_their_records_count_when_the_file_comes_again(
    client: AsyncClient, tmp_path: Path
) -> None:
    person, source = await join(client), await make_source()
    lines = [line_of(person, event=f"e{number}") for number in range(6)]
    await run_file(tmp_path, make_file(*lines), source)
    await execute("DELETE FROM record WHERE source = $1 AND event_id IN ('e1', 'e4')", source)
    async with asyncio.timeout(SECONDS_MAX):
        row = await run_file(tmp_path, make_file(*lines, line_of(person)), source)
    assert (row.counts.summary["accepted"], row.counts.summary["duplicate"]) == (3, 4)
    assert await count_of("record", source=source) == await count_of("record_source_event", source=source) == 7


async def test_a_negative_record_has_one_notice_at_once(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source()
    line = line_of(person, indicator="NEG_COURT_LISTED", document="（2026）闽01执1号")
    row = await run_file(tmp_path, make_file(line, line_of(person)), source)
    assert row.counts.sync.notices == 1
    row = await run_file(tmp_path, make_file(line, line_of(person)), source)
    assert row.counts.sync.notices == 0
    assert await count_of("notice", citizen_id=person.id) == 1


async def test_only_the_centres_importers_send_files(client: AsyncClient) -> None:
    source = await make_source()
    person = await join(client)
    answer = await client.post("/v1/official/records/imports", params={"source": source}, headers=person.headers)
    assert answer.status_code == 401
    unknown = await upload(client, b"", "no-such-source", official=await importer())
    assert (unknown.status_code, unknown.json()["code"]) == (422, "source_unknown")
