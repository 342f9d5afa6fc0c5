"""Files over HTTP: streamed in, recognised, watched, cancelled, corrected; limits at their edges."""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app.intake.file.actions import upload as upload_actions
from app.intake.file.actions.quarantine import RETENTION, forget_old
from app.intake.file.actions.run import run_waiting_imports
from app.intake.file.actions.upload import forget_given_up
from app.intake.file.counts import CHUNK_BYTES, PART_BYTES, UPLOAD_LIFE
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.kit.jobs.pace import FULL
from app.official.actions.authenticate import authenticate
from tests.support.citizens import join
from tests.support.files import HEADER, PATH, count_of, finish, line_of, make_file, make_source, upload
from tests.support.importing import importer, records_of
from tests.support.officials import make_official

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import AsyncClient


async def test_an_upload_becomes_an_import(client: AsyncClient) -> None:
    person, source, official = await join(client), await make_source(), await importer()
    content = make_file(line_of(person), line_of(person, name="张三"))
    answer = await upload(client, content, source, official=official)
    assert (answer.status_code, answer.json()["state"], answer.json()["allowedActions"]) == (202, "waiting", ["cancel"])
    import_id = answer.json()["id"]
    parts = await fetch_value("SELECT string_agg(cipher, '') FROM import_part WHERE import_id = $1", UUID(import_id))
    assert person.name.encode() not in parts, "encrypted at rest"
    shown = await finish(client, answer, official)
    assert shown["state"] == "finished"
    assert shown["summary"] == {
        "received": 2, "accepted": 1, "updated": 0, "duplicate": 0, "notAMember": 0, "quarantined": 1,
    }  # fmt: skip
    assert shown["quarantined"] == {"name_mismatch": 1}
    assert shown["seenBytes"] == shown["fileBytes"] == len(content)
    assert shown["stages"]["clean"] == {"in": 2, "out": 2, "quarantined": {}}
    assert shown["stages"]["match"] == {"in": 2, "matched": 1, "notAMember": 0, "quarantined": {"name_mismatch": 1}}
    assert await count_of("import_part", import_id=UUID(import_id)) == 0, "an upload is deleted when it is done"
    stored = await records_of(person)
    assert [record.entered_by for record in stored] == [official.id]
    listed = await client.get(PATH, params={"source": source}, headers=official.headers)
    assert [row["id"] for row in listed.json()["data"]] == [import_id]
    audited = "SELECT count(*) FROM audit_entry WHERE subject = $1 AND action = 'record_import.open'"
    assert await fetch_value(audited, f"import:{import_id}") == 1


async def test_the_same_file_is_the_same_import(client: AsyncClient) -> None:
    person, source, official = await join(client), await make_source(), await importer()
    content, key = make_file(line_of(person)), secrets.token_hex(12)
    first = await upload(client, content, source, official=official, key=key)
    for again in (
        await upload(client, content, source, official=official, key=key),
        await upload(client, content, source),
    ):
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert again.headers["Idempotency-Replayed"] == "true"
    other = await upload(client, content + b"\r\n", source, official=official, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await finish(client, first, official)
    again = await upload(client, content, source)
    assert (again.json()["id"], again.json()["state"]) == (first.json()["id"], "finished")
    assert await count_of("record_import", source=source) == 1
    assert len(await records_of(person)) == 1


async def test_the_worker_finds_what_waits(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    await upload(client, make_file(line_of(person)), source)
    assert await run_waiting_imports(pace=FULL)
    assert await count_of("record_import", source=source, state="finished") == 1
    assert not await run_waiting_imports(pace=FULL)


async def test_many_parts_and_chunks_are_one_file(client: AsyncClient) -> None:
    """Pieces of an upload and chunks of an import cut rows anywhere; none is lost or counted twice."""
    person, source = await join(client), await make_source()
    lines = [line_of(person, document="文" * 190) for _ in range(3_000)]
    content = make_file(*lines)
    assert len(content) > PART_BYTES + CHUNK_BYTES
    shown = await finish(client, await upload(client, content, source))
    assert shown["summary"]["accepted"] == len(lines)
    assert shown["stages"]["distribute"]["events"] == -(-len(content) // CHUNK_BYTES)


async def test_a_sender_who_goes_away_leaves_nothing_behind(client: AsyncClient) -> None:
    del client
    source, login = await make_source(), await importer()
    official = await authenticate(login.headers["Authorization"])

    async def blocks() -> AsyncIterator[bytes]:
        yield b"x" * (PART_BYTES + 1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await upload_actions.receive_upload(
            official,
            blocks(),
            source=source,
            parent_id=None,
            key=secrets.token_hex(12),
        )
    assert await count_of("record_import", source=source) == 0


async def test_an_upload_that_never_ended_is_forgotten(client: AsyncClient) -> None:
    """Its process died: nobody cleaned up."""
    del client
    source, import_id = await make_source(), uuid4()
    sql = """
        INSERT INTO record_import (id, source, state, is_spooled, counts, created_at)
        VALUES ($1, $2, 'uploading', true, '{}', $3)
        """
    await execute(sql, import_id, source, now() - UPLOAD_LIFE + timedelta(minutes=1))
    await execute("INSERT INTO import_part VALUES ($1, 0, '')", import_id)
    await forget_given_up(now())
    assert await count_of("record_import", source=source) == 1
    await forget_given_up(now() + timedelta(minutes=2))
    assert await count_of("record_import", source=source) == 0


async def test_a_file_has_a_largest_size(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_actions, "UPLOAD_BYTES_MAX", 1000)
    source = await make_source()
    assert (await upload(client, b"x" * 1000, source)).status_code == 202
    answer = await upload(client, b"y" * 1001, source)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await count_of("record_import", source=source) == 1


async def test_what_an_upload_must_say(client: AsyncClient) -> None:
    source, official = await make_source(), await importer()
    wrong = await upload(client, b"", source, media="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (415, "file_type_unsupported")
    for media in ("text/csv; charset=gbk", "application/x-ndjson", "application/octet-stream"):
        assert (await upload(client, secrets.token_bytes(4), source, media=media)).status_code == 202
    no_key = await client.post(
        PATH, content=b"", params={"source": source}, headers=official.headers | {"Content-Type": "text/csv"}
    )
    assert (no_key.status_code, no_key.json()["code"]) == (400, "idempotency_key_invalid")
    reviewer = await make_official(roles=["reviewer", "auditor"])
    assert (await upload(client, b"", source, official=reviewer)).status_code == 403


async def test_a_cancelled_import_stops_and_keeps_what_it_has(client: AsyncClient) -> None:
    person, source, official = await join(client), await make_source(), await importer()
    content = make_file(line_of(person))
    waiting = (await upload(client, content, source)).json()["id"]
    cancelled = await client.post(f"{PATH}/{waiting}/cancel", headers=official.headers)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert await count_of("import_part", import_id=UUID(waiting)) == 0
    again = await client.post(f"{PATH}/{waiting}/cancel", headers=official.headers)
    assert (again.status_code, again.json()["code"]) == (409, "import_closed")
    await run_waiting_imports(pace=FULL)
    assert await records_of(person) == []
    anew = await upload(client, content, source)
    assert anew.json()["id"] != waiting, "a cancelled file may be sent again"
    unknown = await client.post(f"{PATH}/{uuid4()}/cancel", headers=official.headers)
    assert unknown.status_code == 404


def correct(content: bytes, change: Any) -> tuple[list[str], bytes]:
    """Return the header of a downloaded quarantine, and the file with every row changed, as a spreadsheet saves it."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    out = io.StringIO()
    csv.writer(out).writerows([rows[0], *(change(dict(zip(rows[0], row, strict=True))) for row in rows[1:])])
    return rows[0], out.getvalue().encode("gb18030")


async def test_quarantine_is_downloaded_corrected_and_sent_back(client: AsyncClient) -> None:
    person, source, official = await join(client), await make_source(), await importer()
    lines = [line_of(person), line_of(person, on="2026-02-30", document="=1+1"), line_of(person, name="张三"),
             line_of(person, on="2026-13-01")]  # fmt: skip
    shown = await finish(client, await upload(client, make_file(*lines), source), official)
    own = f"{PATH}/{shown['id']}"
    page = (await client.get(f"{own}/quarantine", headers=official.headers | {"Accept-Language": "en"})).json()["data"]
    assert [(row["rowNumber"], row["reason"]["code"], row["column"], row["isKept"]) for row in page] == [
        (3, "date_unreadable", "发生日期", True), (4, "name_mismatch", "姓名", True),
        (5, "date_unreadable", "发生日期", True),
    ]  # fmt: skip
    downloaded = await client.get(f"{own}/quarantine.csv", headers=official.headers)
    assert downloaded.headers["content-type"].startswith("text/csv")
    assert downloaded.content.startswith(b"\xef\xbb\xbf"), "or Excel misreads it"
    assert b"'=1+1" in downloaded.content
    audited = "SELECT count(*) FROM audit_entry WHERE subject = $1 AND action = 'quarantine.read'"
    assert await fetch_value(audited, f"import:{shown['id']}") == 1

    def change(row: dict[str, str]) -> list[str]:
        if row["quarantine_row"] == "3":
            row |= {"发生日期": "2026-02-28", "依据文书": ""}
        if row["quarantine_row"] == "4":
            row["姓名"] = person.name
        return list(row.values())

    header, corrected = correct(downloaded.content, change)
    assert header == ["quarantine_row", "quarantine_reason", "quarantine_note", *HEADER.split(","), "quarantine_raw"]
    sent = await upload(client, corrected, "", official=official, path=f"{own}/rerun")
    rerun = await finish(client, sent, official)
    assert (rerun["parentId"], rerun["source"]) == (shown["id"], source)
    assert rerun["summary"]["accepted"] == 2
    assert rerun["quarantined"] == {"date_unreadable": 1}
    parent = (await client.get(own, headers=official.headers)).json()
    assert (parent["corrected"], parent["summary"]) == (2, shown["summary"])
    page = (await client.get(f"{own}/quarantine", headers=official.headers)).json()["data"]
    assert [row["correctedBy"] for row in page] == [rerun["id"], rerun["id"], None]
    assert len(await records_of(person)) == 3
    left = await client.get(f"{own}/quarantine.csv", headers=official.headers)
    assert len(left.content.splitlines()) == 2
    again = await upload(client, corrected, "", official=official, path=f"{own}/rerun")
    assert again.json()["id"] == rerun["id"], "the same correction is the same import"
    total = "SELECT sum(rows) FROM source_day WHERE source = $1 AND outcome = 'received'"
    assert await fetch_value(total, source) == len(lines), "a corrected row counts where it first arrived"


async def test_rows_that_cannot_be_cut_are_corrected_whole(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    line = line_of(person)
    shown = await finish(client, await upload(client, make_file('"' + line, line + ",1"), source))
    own = f"{PATH}/{shown['id']}"
    downloaded = await client.get(f"{own}/quarantine.csv", headers=(await importer()).headers)

    def change(row: dict[str, str]) -> list[str]:
        row["quarantine_raw"] = line_of(person)
        return list(row.values())

    rerun = await finish(client, await upload(client, correct(downloaded.content, change)[1], "", path=f"{own}/rerun"))
    assert (rerun["summary"]["accepted"], rerun["summary"]["quarantined"]) == (2, 0)


async def test_what_cannot_be_a_correction(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    clean = await finish(client, await upload(client, make_file(line_of(person)), source))
    nothing = await upload(client, b"", "", path=f"{PATH}/{clean['id']}/rerun")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_correct")
    assert (await upload(client, b"", "", path=f"{PATH}/{uuid4()}/rerun")).status_code == 404
    dirty = await finish(client, await upload(client, make_file(line_of(person, on="x")), source))
    own = f"{PATH}/{dirty['id']}/rerun"
    other = await finish(client, await upload(client, make_file(line_of(person)), "", path=own))
    assert other["refusal"]["code"] == "rerun_columns_missing"
    strange = f"quarantine_row,quarantine_reason,quarantine_note,{HEADER},quarantine_raw"
    rows = [f"{number},,,{line_of(person)}," for number in ("1", "x", "99", "2")]
    shown = await finish(client, await upload(client, make_file(*rows, header=strange), "", path=own))
    assert shown["quarantined"] == {"quarantine_row_unknown": 3}
    assert shown["summary"]["accepted"] == 1


async def test_quarantine_is_forgotten_in_time(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    shown = await finish(client, await upload(client, make_file(line_of(person, on="x")), source))
    import_id = UUID(shown["id"])
    entered_at = await fetch_value("SELECT entered_at FROM quarantine WHERE import_id = $1", import_id)
    await forget_old(entered_at + RETENTION)
    assert await count_of("quarantine", import_id=import_id) == 1
    await forget_old(entered_at + RETENTION + timedelta(microseconds=1))
    assert await count_of("quarantine", import_id=import_id) == 0


async def test_uploads_of_one_file_at_once_are_one_import(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    content = make_file(line_of(person))
    answers = await asyncio.gather(*(upload(client, content, source) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count_of("record_import", source=source) == 1
