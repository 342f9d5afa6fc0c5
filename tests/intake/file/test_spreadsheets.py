"""What spreadsheets do to files: the quarantine comes back whole, workbooks are read, what is spoilt stays behind."""

from __future__ import annotations

import csv
import io
import secrets
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.intake.reading.workbook import ROWS_MAX, SHARED_STRINGS_BYTES_MAX, WORKBOOK_MEDIA
from app.kit.db.database import fetch_value
from tests.support.citizens import join, make_id_number
from tests.support.files import (
    FIELDS,
    HEADER,
    PATH,
    count_of,
    finish,
    line_of,
    make_file,
    make_source,
    run_file,
    upload,
)
from tests.support.importing import importer, item_of, outcomes_of, records_of, send, today
from tests.support.sheets import make_workbook, open_and_save, read_workbook, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from httpx2 import AsyncClient

    from tests.support.citizens import Joined

COLUMNS = HEADER.split(",")
NAME, EVENT = COLUMNS.index("姓名"), COLUMNS.index("事件编号")
SPOILT = {
    "2.0261E+13": "spoilt_scientific", "#N/A": "spoilt_error_value", "#REF!": "spoilt_error_value",
    "########": "spoilt_too_narrow", "3月4日": "spoilt_month_day", "4-Mar": "spoilt_month_day",
    "TRUE": "spoilt_boolean",
    "1.79769E+308": "spoilt_scientific",
}  # fmt: skip
# Where each of our members is in a file and in an item; a quantity and the dates are no texts in an item.
MEMBERS = {
    "event": "eventId", "indicator": "indicator", "honour": "honour", "number": "idNumber", "name": "name",
    "on": "eventOn", "ends": "endsOn", "grade": "grade", "document": "document", "act": "actId",
}  # fmt: skip


async def held_of(client: AsyncClient, import_id: str, language: str = "zh") -> list[tuple[int, str, str, str]]:
    official = await importer()
    headers = official.headers | {"Accept-Language": language}
    page = (await client.get(f"{PATH}/{import_id}/quarantine", params={"limit": 100}, headers=headers)).json()["data"]
    return [(row["rowNumber"], row["reason"]["code"], row["column"], row["reason"]["text"]) for row in page]


async def download(client: AsyncClient, import_id: str, form: str) -> Any:
    official = await importer()
    answer = await client.get(f"{PATH}/{import_id}/quarantine.{form}", headers=official.headers)
    assert answer.status_code == 200, answer.text
    return answer


def row_of(person: Joined, **changes: Any) -> list[Any]:
    """Return the cells of a good row about somebody, with changes."""
    cells: list[Any] = line_of(person).split(",")
    for field, value in changes.items():
        cells[FIELDS.index(field)] = value
    return cells


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_the_quarantine_survives_a_spreadsheet(client: AsyncClient, form: str) -> None:
    """Opened, one name corrected, saved and sent back; event ids keep their zeros, ID numbers their digits."""
    person, source = await join(client), await make_source()
    event = f"00{secrets.randbelow(10**12):012d}"
    line = line_of(person, event=event, name="赵铁拄", grade="", document="")
    first = await finish(client, await upload(client, make_file(line), source))
    assert first["quarantined"] == {"name_mismatch": 1}
    downloaded = await download(client, first["id"], form)
    place = 3 + NAME
    if form == "csv":

        def change(rows: list[list[str]]) -> None:
            rows[1][place] = person.name

        content, media = open_and_save(downloaded.content, change), "text/csv"
        assert person.id_number.encode() in content
    else:
        assert downloaded.headers["content-type"] == WORKBOOK_MEDIA
        cells = read_workbook(downloaded.content)
        assert {(kind, shown) for row in cells for value, kind, shown in row if value is not None} == {("s", "@")}
        rows = [[value or "" for value, _, _ in row] for row in cells]
        rows[1][place] = person.name
        content, media = make_workbook([*rows[:1], [int(rows[1][0]), *rows[1][1:]]]), WORKBOOK_MEDIA
    again = await upload(client, content, "", media=media, path=f"{PATH}/{first['id']}/rerun")
    assert (await finish(client, again))["summary"]["accepted"] == 1
    assert (
        await fetch_value("SELECT event_id FROM record WHERE citizen_id = $1 AND source = $2", person.id, source)
        == event
    )
    same = await finish(client, await upload(client, make_file(line_of(person, event=event)), source))
    assert same["summary"]["duplicate"] + same["quarantined"].get("event_id_reused", 0) == 1, (
        "the same event, not another"
    )


async def test_text_in_a_workbook_of_the_quarantine_is_never_a_formula(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    line = line_of(person, document='"=HYPERLINK(""http://x"",1)_x0041_"', act="\x0b<&>")
    first = await finish(client, await upload(client, make_file(line), source))
    (_, row) = read_workbook((await download(client, first["id"], "xlsx")).content)
    assert {kind for value, kind, _ in row if value} == {"s"}
    assert row[3 + COLUMNS.index("依据文书")][0] == '\'=HYPERLINK("http://x",1)_x005F_x0041_', (
        "a spreadsheet shows _x0041_"
    )
    assert row[3 + COLUMNS.index("行为编号")][0] == "\ufffd<&>"


@pytest.mark.parametrize("field", FIELDS)
async def test_what_a_spreadsheet_spoilt_stays_behind_in_every_column(client: AsyncClient, field: str) -> None:
    """By file and by HTTP, and said in the words of the file's own columns."""
    person, source = await join(client), await make_source()
    for_honour = {"indicator": ""} if field == "honour" else {}
    lines = [line_of(person, **for_honour, **{field: cell}) for cell in SPOILT]
    shown = await finish(client, await upload(client, make_file(*lines), source))
    column = COLUMNS[FIELDS.index(field)]
    held = await held_of(client, shown["id"])
    assert [(code, place) for _, code, place, _ in held] == [(code, column) for code in SPOILT.values()]
    assert all(text.startswith(f"“{column}”列：") for _, _, _, text in held)
    english = await held_of(client, shown["id"], "en")
    assert all(text.startswith(f"Column “{column}”: ") for _, _, _, text in english)
    if field in MEMBERS:
        honour = {"indicator": None} if field == "honour" else {}
        items = [item_of(person, **honour, **{MEMBERS[field]: cell}) for cell in SPOILT]
        assert await outcomes_of(client, *items) == list(SPOILT.values())
    assert await records_of(person) == []


@pytest.mark.parametrize(
    "document", ["无", "没有", "NaN", "null", "none", "?", "-", "0", "待补", "同上", "xx", "测试", ""]
)
async def test_a_placeholder_is_no_document(client: AsyncClient, document: str) -> None:
    person, source = await join(client), await make_source()
    line = line_of(person, indicator="NEG_CONTRACT_JUDG", document=document)
    shown = await finish(client, await upload(client, make_file(line), source))
    assert shown["quarantined"] == {"document_missing": 1}
    item = item_of(person, indicator="NEG_CONTRACT_JUDG", document=document)
    reason = (await send(client, item)).json()["items"][0]["reason"]
    assert (reason["code"], reason["pointer"]) == ("document_missing" if document else "document_invalid", "/document")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("判决书", "document_not_a_reference"), ("d", "document_not_a_reference"), ("2026", "document_not_a_reference"),
        ("信访案件〔2026〕1号", "topic_in_document"), ("关于信 访事项的决定〔2026〕2号", "topic_in_document"),
        ("（2026）闽02民终1号", "accepted"), ("公告1号", "accepted"), ("https://example.gov.cn/doc/9", "accepted"),
        ("91350200MA31XXXX0A", "accepted"), ("〔2026〕7号", "accepted"), ("仲裁决定书第十二号", "accepted"),
    ],
)  # fmt: skip
async def test_a_document_is_a_reference_and_not_about_what_is_denied(
    client: AsyncClient, document: str, code: str
) -> None:
    person, source = await join(client), await make_source()
    line = line_of(person, indicator="NEG_CONTRACT_JUDG", document=document)
    shown = await finish(client, await upload(client, make_file(line), source))
    assert shown["quarantined"] == ({} if code == "accepted" else {code: 1})
    other = await join(client)
    typed = await outcomes_of(client, item_of(other, indicator="NEG_CONTRACT_JUDG", document=document))
    assert typed == ["proposed" if code == "accepted" else code]  # typed in, it waits for a second official


async def test_a_workbook_is_imported(client: AsyncClient) -> None:
    """Numbers and days of a sheet are read as they are meant; what its cells have lost stays behind."""
    person, source = await join(client), await make_source()
    good = [
        row_of(person, on=date(2026, 3, 4)),
        row_of(person, on=datetime.fromisoformat("2026-03-04T09:30"), event=20260304000077),
        row_of(person, indicator="POS_VOL_HOURS", quantity=120, on="2026年3月4日"),
        row_of(person, indicator="POS_VOL_HOURS", quantity="90.0"), row_of(person, name=f" {person.name}\n"),
    ]  # fmt: skip
    bad = [
        (row_of(person, number=int(make_id_number()[:17] + "0")), "spoilt_scientific"),
        (row_of(person, event=2.0261e16), "spoilt_scientific"), (row_of(person, act=True), "spoilt_boolean"),
        (row_of(person, document="#N/A"), "spoilt_error_value"),
        (row_of(person, act=date(2026, 3, 4)), "spoilt_month_day"),
        (row_of(person, indicator="POS_VOL_HOURS", quantity=1.5), "quantity_not_whole"),
    ]  # fmt: skip
    rows: list[list[Any]] = [["志愿服务台账"], [None, "2026年"], COLUMNS, *good, [], *[row for row, _ in bad]]
    content = make_workbook(rows, formats={f"K{len(good) + 4 + 5}": 'm"月"d"日"'}, 空表=[])
    shown = await finish(client, await upload(client, content, source, media=WORKBOOK_MEDIA))
    assert (shown["state"], shown["summary"]["accepted"]) == ("finished", len(good)), await held_of(client, shown["id"])
    assert [(number, code) for number, code, _, _ in await held_of(client, shown["id"])] == [
        (len(good) + 5 + at, code) for at, (_, code) in enumerate(bad)
    ]
    assert {record.event_on for record in await records_of(person)} >= {date(2026, 3, 4)}
    assert shown["seenBytes"] == shown["fileBytes"]
    assert await count_of("import_part", import_id=shown["id"]) == 0
    csv_text = (await download(client, shown["id"], "csv")).content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(csv_text)))) == 1 + len(bad)


async def test_a_workbook_of_this_machine_is_imported(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source()
    row = await run_file(tmp_path, make_workbook([COLUMNS, row_of(person)]), source)
    assert row.state == "finished"
    assert len(await records_of(person)) == 1


def _break_sheet(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _add_entity(content: bytes) -> bytes:
    head, rest = content[: content.index(b"<worksheet")], content[content.index(b"<worksheet") :]
    return head + b'<!DOCTYPE x [<!ENTITY a "b">]>' + rest


def _add_strings(content: bytes) -> bytes:
    """Say that a part which lies among the sheets holds the shared strings."""
    override = f'<Override PartName="/{HIDDEN_STRINGS}" ContentType="{SHEET_TYPE}.sharedStrings+xml"/></Types>'
    return content.replace(b"</Types>", override.encode())


SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HIDDEN_STRINGS = "xl/worksheets/strings.xml"
WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "two sheets with rows": (lambda: make_workbook([COLUMNS], 另一张=[["x"]]), "workbook_sheets_many"),
    "nothing in it": (lambda: make_workbook([]), "file_empty"),
    "a sheet cut in the middle": (
        lambda: rewrite(make_workbook([COLUMNS] * 50), "xl/worksheets/sheet1.xml", _break_sheet), "workbook_unreadable",
    ),
    "an entity": (
        lambda: rewrite(make_workbook([COLUMNS]), "xl/worksheets/sheet1.xml", _add_entity), "workbook_unreadable",
    ),
    "a bomb": (
        lambda: rewrite(make_workbook([COLUMNS]), "xl/worksheets/sheet1.xml", lambda old: old + b" " * 60_000_000),
        "workbook_too_large",
    ),
    "too many strings": (
        lambda: rewrite(
            make_workbook([COLUMNS]), "[Content_Types].xml", _add_strings,
            {HIDDEN_STRINGS: secrets.token_bytes(SHARED_STRINGS_BYTES_MAX + 1)},
        ),
        "workbook_too_large",
    ),
    "too many rows": (
        lambda: rewrite(
            make_workbook([COLUMNS]), "xl/worksheets/sheet1.xml",
            lambda old: old.replace(b"</sheetData>", f'<row r="{ROWS_MAX + 1}"/></sheetData>'.encode()),
        ),
        "workbook_rows_too_many",
    ),
    "too many columns": (lambda: make_workbook([[*COLUMNS, *map(str, range(200))]]), "workbook_columns_too_many"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_workbook_that_is_not_read_is_refused_whole(client: AsyncClient, name: str) -> None:
    make, code = WRONG[name]
    shown = await finish(client, await upload(client, make(), await make_source(), media=WORKBOOK_MEDIA))
    assert (shown["state"], (shown["refusal"] or {}).get("code")) == ("refused", code), shown
    assert await count_of("import_part", import_id=shown["id"]) == 0


@pytest.mark.parametrize(
    "before",
    ["sep=,", '"sep=,"', "志愿服务台账", "志愿服务台账,,,\r\n制表：王芳,,,\r\n\r\n", "\r\n".join(["标题"] * 10)],
)
async def test_titles_before_the_header_are_read_over(client: AsyncClient, before: str) -> None:
    person, source = await join(client), await make_source()
    content = make_file(HEADER, line_of(person), line_of(person, on="昨天"), header=before)
    shown = await finish(client, await upload(client, content, source))
    assert shown["summary"]["accepted"] == 1, shown
    ((number, _, _, _),) = await held_of(client, shown["id"])
    assert number == content.decode().splitlines().index(content.decode().splitlines()[-1]) + 1, "as an editor counts"


async def test_a_delimiter_may_be_named(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    content = make_file(HEADER.replace(",", ";"), line_of(person).replace(",", ";"), header="sep=;")
    assert (await finish(client, await upload(client, content, source)))["summary"]["accepted"] == 1


@pytest.mark.parametrize("lines", [["台账"] * 11, ["a,b,c", "1,2,3"]])
async def test_a_refused_header_is_shown(client: AsyncClient, lines: list[str]) -> None:
    person, source = await join(client), await make_source()
    shown = await finish(client, await upload(client, make_file(*lines[1:], HEADER, header=lines[0]), source))
    if lines[0] == "a,b,c":
        assert shown["state"] == "finished"
        return
    assert shown["refusal"]["code"] == "columns_missing"
    assert "台账" in shown["refusal"]["text"]
    bare = await finish(client, await upload(client, make_file(line_of(person), header=line_of(person)), source))
    assert "POS_RESCUE" in bare["refusal"]["text"]
    assert person.id_number not in bare["refusal"]["text"], "a row taken for a header may be about somebody"


async def test_lost_zeros_are_noticed_by_the_other_ids(client: AsyncClient) -> None:
    """A file's own ids and those sent before tell how long an id is; what was meant is sent again as it is."""
    person, source = await join(client), await make_source()
    day = f"{today():%Y%m%d}"
    full = [f"{day}{number:06d}" for number in range(20)]
    shown = await finish(client, await upload(client, make_file(*(line_of(person, event=one) for one in full)), source))
    assert shown["summary"]["accepted"] == 20
    lost = await finish(client, await upload(client, make_file(line_of(person, event=full[3][2:])), source))
    ((_, code, column, text),) = await held_of(client, lost["id"])
    assert (code, column) == ("zeros_lost", "事件编号")
    assert "14 位" in text
    assert "12 位" in text
    unchanged = open_and_save((await download(client, lost["id"], "csv")).content)
    again = await finish(client, await upload(client, unchanged, "", path=f"{PATH}/{lost['id']}/rerun"))
    assert again["summary"]["accepted"] == 1, "sent again as it is, it is meant"
    other = await finish(client, await upload(client, make_file(line_of(person, event=full[4][2:])), source))
    assert other["quarantined"] == {"zeros_lost": 1}, "that one short id is right says nothing of others"
    await finish(client, await upload(client, make_file(line_of(person, event=full[3] + "0")), source))
    free = await finish(client, await upload(client, make_file(line_of(person, event="77")), source))
    assert free["summary"]["accepted"] == 1, "ids that differ have no shape"


async def test_a_short_id_that_is_right_is_taken_over_http(client: AsyncClient) -> None:
    """The answer says how; the other ids of the source are doubted as before, the same batch's too."""
    person, source = await join(client), await make_source()
    full = [f"{number:014d}" for number in range(20)]
    acts = [f"{number:010d}" for number in range(20)]
    items = [item_of(person, source=source, eventId=one, actId=act) for one, act in zip(full, acts, strict=True)]
    assert await outcomes_of(client, *items) == ["accepted"] * 20
    short = item_of(person, source=source, eventId=full[3][2:], actId=acts[3][1:])
    other = item_of(person, source=source, eventId=full[4][3:])
    shown = (await send(client, short, language="en")).json()["items"][0]["reason"]
    assert (shown["code"], shown["pointer"]) == ("zeros_lost", "/eventId")
    assert "idsMeant" in shown["text"]
    assert "idsMeant" in (await send(client, short)).json()["items"][0]["reason"]["text"]
    meant = short | {"idsMeant": True}
    assert await outcomes_of(client, meant, other) == ["accepted", "zeros_lost"]
    assert await outcomes_of(client, meant, other) == ["duplicate", "zeros_lost"]
    assert await outcomes_of(client, short) == ["zeros_lost"]
    assert await outcomes_of(client, short | {"idsMeant": "yes"}) == ["wrong_type"]


async def test_ids_that_count_up_are_not_doubted(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    lines = [line_of(person, event=str(number)) for number in (*range(100_000, 100_030), 99_999, 7)]
    shown = await finish(client, await upload(client, make_file(*lines), source))
    assert shown["summary"]["accepted"] == len(lines)
