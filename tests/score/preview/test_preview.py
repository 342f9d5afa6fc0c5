"""Previews: counted by the worker in chunks, stopped and gone on with, published without giving anybody away."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.jobs.pace import FULL, Pace
from app.score.current.actions.rescore import rescore
from app.score.preview import actions as preview_actions
from app.score.preview import queries as preview_queries
from app.score.preview.actions import run_waiting_previews
from app.score.preview.cells import CELL_MIN
from app.score.preview.report import SAMPLE_PARTS
from app.score.preview.rounding import (
    PREVIEWS_COMPARED_DAYS,
    PREVIEWS_PER_BOOK_A_DAY,
    PREVIEWS_PER_OFFICIAL_A_DAY,
    ROUNDED_TO,
)
from app.values.days import shanghai_day
from tests.support.histories import insert_facts, make_citizens
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import BOOKS, book_of, copy_book, find_id, submit

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

CITIZENS = 40
DISTRICTS = {"990101": 25, "990102": 12, "990103": 3}


@pytest.fixture(scope="module")
async def editor(own_city: None) -> OfficialLogin:
    del own_city
    return await make_official(roles=["editor"])


@pytest.fixture(scope="module")
async def city(own_city: None) -> list[UUID]:
    """Make citizens with scores: everybody has five years of good faith, the first fifteen a verified identity."""
    del own_city
    ids = await make_citizens(CITIZENS)
    districts = [code for code, count in DISTRICTS.items() for _ in range(count)]
    sql = "UPDATE citizen SET district = new.district FROM unnest($1::uuid[], $2::text[]) AS new (id, district) "
    await execute(sql + "WHERE citizen.id = new.id", ids, districts)
    from tests.score.engine.cases import fact  # noqa: PLC0415 - beside the oracle

    for one in ids[:15]:
        await insert_facts(one, [fact("BASE_ID_VERIFIED", "2026-01-05")])
    async with transaction():
        await rescore(ids, at=now())
    return ids


async def ask(client: AsyncClient, editor: OfficialLogin, book: dict[str, Any], sample: str = "all") -> Response:
    return await client.post(f"{BOOKS}/{book['id']}/preview", json={"sample": sample}, headers=editor.headers)


async def read(client: AsyncClient, editor: OfficialLogin, book: dict[str, Any]) -> Any:
    answer = await client.get(f"{BOOKS}/{book['id']}/preview", headers=editor.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_dearer(client: AsyncClient, editor: OfficialLogin) -> dict[str, Any]:
    """Draft a book in which a verified identity gives 45 points instead of 30, and nothing else is different."""
    book = await copy_book(client, editor)
    document = book["document"]
    next(one for one in document["indicators"] if one["code"] == "BASE_ID_VERIFIED")["values"] = [{"points": 45}]
    headers = {**editor.headers, "If-Match": book["etag"]}
    return book_of(await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers))


@pytest.mark.usefixtures("city")
async def test_a_preview_counts_who_changes_and_by_how_much(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await make_dearer(client, editor)
    asked = await ask(client, editor, book)
    assert (asked.status_code, asked.json()["state"], asked.json()["report"]) == (202, "waiting", None)
    assert await fetch_value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'previews'") > 0
    assert asked.json()["before"] == {"code": "rating", "version": 1}
    assert asked.json()["after"] == {"code": "rating", "version": book["version"]}
    assert await run_waiting_previews(pace=FULL) is True
    assert await run_waiting_previews(pace=FULL) is False
    shown = await read(client, editor, book)
    assert (shown["state"], shown["citizensDone"], shown["citizensTotal"]) == ("done", CITIZENS, CITIZENS)
    assert (shown["day"], shown["citizensMin"]) == (str(shanghai_day(now())), CELL_MIN)
    report = shown["report"]
    assert (report["citizens"], shown["roundedTo"]) == (CITIZENS, ROUNDED_TO)
    steps = {step["ranges"][0]["minPoints"]: step["citizens"] for step in report["points"] if step["citizens"]}
    assert steps.keys() == {0, 11}
    assert steps[0] in {20, 30}  # 25 stay and 15 rise
    assert steps[11] in {10, 20}
    districts = {tuple(row["keys"]): row for row in report["districts"]["rows"]}
    assert districts["990101",]["citizens"] in {20, 30}
    # Fifteen rose here and ten did not: enough of each to be published.
    assert sorted(districts["990101",]["cells"])[:2] == [0, 10]
    assert not any(keys == ("990103",) for keys in districts)
    assert any("990103" in keys and row["citizens"] >= CELL_MIN for keys, row in districts.items())


def numbers_of(report: Any) -> list[int]:
    """Return every number of citizens in a report, however deep."""
    if isinstance(report, dict):
        named = [value for name, value in report.items() if name == "citizens"]
        return named + [one for name, value in report.items() if name != "ranges" for one in numbers_of(value)]
    if isinstance(report, list):
        return [one for value in report for one in ([value] if isinstance(value, int) else numbers_of(value))]
    return []


@pytest.mark.usefixtures("city")
async def test_no_number_is_about_a_few(client: AsyncClient, editor: OfficialLogin) -> None:
    """Under the ledger levels are others, everybody moves, and small districts are joined."""
    book = await copy_book(client, editor, "ledger")
    await ask(client, editor, book)
    await run_waiting_previews(pace=FULL)
    report = (await read(client, editor, book))["report"]
    numbers = numbers_of(report)
    assert len(numbers) > 10
    assert all(number == 0 or number >= CELL_MIN for number in numbers)
    levels = report["levels"]
    assert {key for row in levels["rows"] for key in row["keys"]} == {"L1", "L2", "L3", "L4", "L5"}
    assert {key for column in levels["columns"] for key in column} == {"D", "C", "B", "A", "AA", "AAA"}


async def test_a_killed_preview_goes_on_where_it_was(
    client: AsyncClient, editor: OfficialLogin, city: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every chunk, with one chunk done twice: the counts are those of an undisturbed one."""
    monkeypatch.setattr(preview_actions, "CHUNK_CITIZENS", 7)
    book = await make_dearer(client, editor)
    await ask(client, editor, book)
    await run_waiting_previews(pace=FULL)
    undisturbed, counted = await read(client, editor, book), await counts_of(book)
    assert (await ask(client, editor, book)).json()["state"] == "waiting"

    class Killed(Exception):  # noqa: N818
        pass

    class OneChunk(Pace, frozen=True):
        def work(self) -> Any:
            return _stop_after(super().work(), Killed)

    for _ in range(len(city) // 7 + 3):
        row = await preview_queries.find_open_preview()
        if row is None:
            break
        with pytest.raises(Killed):
            await run_waiting_previews(pace=OneChunk())
        await preview_actions._go_on(row)  # somebody who read it before the kill does the same chunk again
    await run_waiting_previews(pace=FULL)
    again = await read(client, editor, book)
    assert {**again, "requestedAt": "", "finishedAt": ""} == {**undisturbed, "requestedAt": "", "finishedAt": ""}
    assert await counts_of(book) == counted


# What a process of the version before does: it keeps no more of the counts than it knows, and has no report.
OLD_CHUNK = "UPDATE rule_book_preview SET counts = counts - 'people' - 'keys' - 'buckets' WHERE state <> 'done'"
OLD_END = """UPDATE rule_book_preview SET state = 'done', citizens_total = citizens_done, finished_at = now()
    WHERE state <> 'done'"""


@pytest.mark.parametrize("done", ["a chunk", "a chunk and the end", "the end", "the end of a whole one"])
async def test_what_a_process_of_the_version_before_has_counted_is_counted_anew(
    client: AsyncClient, city: list[UUID], monkeypatch: pytest.MonkeyPatch, done: str
) -> None:
    editor = await make_official(roles=["editor"])
    monkeypatch.setattr(preview_actions, "CHUNK_CITIZENS", 7)
    book = await make_dearer(client, editor)
    await ask(client, editor, book)
    for _ in range(len(city) // 7 + 2 if done == "the end of a whole one" else 3):
        row = await preview_queries.find_open_preview()
        assert row is not None
        await preview_actions._go_on(row)
    if "chunk" in done:
        await execute(OLD_CHUNK)
    if "the end" in done:
        await execute(OLD_END)
    assert (await read(client, editor, book))["state"] == ("waiting" if "the end" in done else "running")
    assert await run_waiting_previews(pace=FULL) is True
    shown, counts = await read(client, editor, book), await counts_of(book)
    assert (shown["state"], shown["citizensDone"], shown["report"]["citizens"]) == ("done", len(city), len(city))
    assert counts["people"] == sum(counts["points"].values()) == len(city)
    assert await run_waiting_previews(pace=FULL) is False


async def test_what_was_not_done_when_its_book_came_into_force_is_no_preview(
    client: AsyncClient, city: list[UUID]
) -> None:
    """Nothing says "waiting" for ever."""
    assert city
    editor = await make_official(roles=["editor"])
    book = await make_dearer(client, editor)
    await ask(client, editor, book)
    await execute("UPDATE rule_book SET state = 'retired' WHERE public_id = $1", UUID(book["id"]))
    path = f"{BOOKS}/{book['id']}/preview"
    assert (await client.get(path, headers=editor.headers)).status_code == 404
    assert await run_waiting_previews(pace=FULL) is False


async def counts_of(book: dict[str, Any]) -> Any:
    """Return the exact counts, which are never published."""
    sql = "SELECT counts FROM rule_book_preview p JOIN rule_book b ON b.id = p.rule_book_id WHERE b.public_id = $1"
    return msgspec.json.decode(await fetch_value(sql, UUID(book["id"])))


class _stop_after:  # noqa: N801 - a context manager
    def __init__(self, inner: Any, error: type[Exception]) -> None:
        self.inner, self.error = inner, error

    async def __aenter__(self) -> None:
        await self.inner.__aenter__()

    async def __aexit__(self, *raised: object) -> None:
        await self.inner.__aexit__(*raised)
        raise self.error


@pytest.mark.usefixtures("city")
async def test_asking_again_goes_on_and_another_sample_begins_anew(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await make_dearer(client, editor)
    first = (await ask(client, editor, book)).json()
    assert (await ask(client, editor, book)).json()["requestedAt"] == first["requestedAt"]
    assert (await ask(client, editor, book, "tenth")).json()["requestedAt"] != first["requestedAt"]
    await run_waiting_previews(pace=FULL)
    shown = await read(client, editor, book)
    assert (shown["state"], shown["sample"]) == ("done", "tenth")
    assert (await ask(client, editor, book, "tenth")).json()["state"] == "waiting"
    await run_waiting_previews(pace=FULL)
    assert (await read(client, editor, book))["citizensDone"] == shown["citizensDone"]


@pytest.mark.usefixtures("city")
async def test_a_smaller_sample_lies_within_a_larger_one(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await make_dearer(client, editor)
    await ask(client, editor, book)
    row = await preview_queries.find_open_preview()
    assert row is not None
    samples = {
        name: {one.id for one in await preview_queries.list_sampled(row, parts, 1_000_000)}
        for name, parts in SAMPLE_PARTS.items()
    }
    assert samples["hundredth"] <= samples["tenth"] <= samples["all"]
    await run_waiting_previews(pace=FULL)


async def test_an_edit_forgets_the_preview_and_too_few_are_not_published(
    client: AsyncClient, editor: OfficialLogin
) -> None:
    book = await copy_book(client, editor)
    path = f"{BOOKS}/{book['id']}/preview"
    assert (await client.get(path, headers=editor.headers)).status_code == 404
    await ask(client, editor, book, "hundredth")
    await run_waiting_previews(pace=FULL)
    shown = await read(client, editor, book)
    assert (shown["report"] is None) == (shown["citizensDone"] < CELL_MIN)
    headers = {**editor.headers, "If-Match": book["etag"]}
    document = {**book["document"], "titleEn": secrets.token_hex(4)}
    assert (await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers)).status_code == 200
    assert (await client.get(path, headers=editor.headers)).status_code == 404


async def test_a_book_edited_while_it_is_counted_is_let_go(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    await ask(client, editor, book)
    row = await preview_queries.find_open_preview()
    assert row is not None
    headers = {**editor.headers, "If-Match": book["etag"]}
    assert (await client.request("DELETE", f"{BOOKS}/{book['id']}", headers=headers)).status_code == 204
    await preview_actions._go_on(row)
    await preview_actions._go_on(await _running(row))
    assert await run_waiting_previews(pace=FULL) is False


async def _running(row: preview_queries.StoredPreview) -> preview_queries.StoredPreview:
    import msgspec  # noqa: PLC0415 - here only

    return msgspec.structs.replace(row, state="running")


async def test_what_counts_already_is_not_previewed(client: AsyncClient, editor: OfficialLogin) -> None:
    answer = await ask(client, editor, {"id": await find_id("rating", 1)})
    assert (answer.status_code, answer.json()["code"]) == (409, "rule_book_move_not_allowed")
    book = await submit(client, editor, await copy_book(client, editor))
    assert (await ask(client, editor, book)).status_code == 202
    await run_waiting_previews(pace=FULL)


async def test_only_the_centre_asks_and_only_writers(client: AsyncClient, editor: OfficialLogin) -> None:
    auditor = await make_official(roles=["auditor"])
    book = await copy_book(client, editor)
    assert (await ask(client, auditor, book)).status_code == 403
    assert (await ask(client, editor, book, "half")).status_code == 400


async def make_fifth(client: AsyncClient, editor: OfficialLogin, points: int) -> dict[str, Any]:
    """Draft a book in which a star volunteer of the fifth grade gets so many points."""
    book = await copy_book(client, editor)
    document = book["document"]
    stars = next(one for one in document["indicators"] if one["code"] == "POS_VOL_STAR")
    stars["values"][-1]["points"] = stars["annualCap"] = points
    headers = {**editor.headers, "If-Match": book["etag"]}
    return book_of(await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers))


async def test_two_drafts_that_differ_for_one_person_look_the_same(
    client: AsyncClient, editor: OfficialLogin, city: list[UUID]
) -> None:
    """One person has the one thing the drafts value differently; of enough people the difference is published."""
    from tests.score.engine.cases import fact  # noqa: PLC0415 - beside the oracle

    async def preview(points: int) -> Any:
        book = await make_fifth(client, editor, points)
        assert (await ask(client, editor, book)).status_code == 202
        await run_waiting_previews(pace=FULL)
        return (await read(client, editor, book))["report"], (await counts_of(book))["points"]

    await insert_facts(city[0], [fact("POS_VOL_STAR", f"{shanghai_day(now()) - timedelta(days=30)}", grade="5")])
    async with transaction():
        await rescore(city, at=now())
    (one, one_exact), (other, other_exact) = await preview(32), await preview(43)
    assert one_exact != other_exact, "exactly counted they differ"
    assert one == other
    for each in city[1 : CELL_MIN + 5]:  # two may share a bucket, and count as one
        await insert_facts(each, [fact("POS_VOL_STAR", f"{shanghai_day(now()) - timedelta(days=30)}", grade="5")])
    async with transaction():
        await rescore(city, at=now())
    (one, _), (other, _) = await preview(32), await preview(43)
    assert one != other


async def test_what_was_published_is_compared_with_for_a_while(
    client: AsyncClient, editor: OfficialLogin, city: list[UUID]
) -> None:
    del city
    count = "SELECT count(*) FROM rule_book_preview_told"
    book = await make_dearer(client, editor)
    await ask(client, editor, book)
    await run_waiting_previews(pace=FULL)
    before = await fetch_value(count)
    for days, more in ((PREVIEWS_COMPARED_DAYS - 1, 0), (PREVIEWS_COMPARED_DAYS + 1, 1 - before)):
        past = now() - timedelta(days=days)
        await execute("UPDATE rule_book_preview_told SET told_at = $1", past)
        assert (await ask(client, editor, book)).status_code == 202
        await run_waiting_previews(pace=FULL)
        assert await fetch_value(count) == before + more


@pytest.mark.usefixtures("city")
async def test_previews_are_few_a_day(client: AsyncClient) -> None:
    """Of one rule book, however it is edited and by each official; and of one official, for every book."""
    mine, other = await make_official(roles=["editor"]), await make_official(roles=["editor"])
    book = await copy_book(client, mine)
    for number in range(PREVIEWS_PER_BOOK_A_DAY):
        assert (await ask(client, (mine, other)[number % 2], book)).status_code == 202
        assert (await ask(client, other, book)).status_code == 202  # it is under way: nothing is asked for
        await run_waiting_previews(pace=FULL)
        headers = {**mine.headers, "If-Match": book["etag"]}
        document = {**book["document"], "titleEn": secrets.token_hex(4)}
        book = book_of(await client.put(f"{BOOKS}/{book['id']}", json={"document": document}, headers=headers))
    refused = await ask(client, other, book)
    assert (refused.status_code, refused.json()["code"]) == (429, "preview_budget_spent")
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    assert (await client.get(f"{BOOKS}/{book['id']}/preview", headers=mine.headers)).status_code == 404
    spent = "INSERT INTO rule_book_preview_request SELECT gen_random_uuid(), gen_random_uuid(), $1, now(), $2"
    asked = await fetch_value("SELECT count(*) FROM rule_book_preview_request WHERE requested_by = $1", mine.id)
    for _ in range(PREVIEWS_PER_OFFICIAL_A_DAY - 1 - asked):
        await execute(spent, mine.id, shanghai_day(now()))
    fresh = [await copy_book(client, mine) for _ in range(2)]
    assert (await ask(client, mine, fresh[0])).status_code == 202
    assert (await ask(client, mine, fresh[1])).status_code == 429
    assert (await ask(client, other, fresh[1])).status_code == 202
    await execute("UPDATE rule_book_preview_request SET day = day - 1")
    await run_waiting_previews(pace=FULL)
    assert (await ask(client, mine, book)).status_code == 202
    await run_waiting_previews(pace=FULL)
