"""A city made on the real database: sealed as any other, made again where it stopped, and fed by files that add up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.citizen.actions.account import match_people
from app.event.actions import ensure_epoch
from app.intake.file.actions.run import run_import
from app.intake.file.actions.upload import open_file_import
from app.intake.source.actions import register_source
from app.intake.source.compile import make_default_mapping
from app.intake.source.entry import SourceEntry
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_all, fetch_value, transaction
from app.kit.jobs.pace import FULL
from app.record.catalogue import NewRecord, compute_facts_digest
from app.score.current.actions.rescore import rescore
from app.town.feed.actions import FeedOrder, write_feed
from app.town.people import queries as people_queries
from app.town.people.actions.move_in import make_people
from app.town.people.life import Plan, compute_lives
from app.town.people.names import BLOCK, compute_account_number, find_paper
from app.town.people.residents import compute_residents
from app.values.days import shanghai_day
from tests.support.histories import make_citizens

CITIZENS, SEED = 1_300, 11
MEAN = 5.0
MINE = "(SELECT id FROM citizen WHERE district BETWEEN '991100' AND '991199')"
SECONDS_MAX = 90
# What a city would be given from outside; this one makes its own.
GIVEN = ("DATABASE_URL", "VALKEY_URL", "KEY_FILE", "HUIXIN_VAR")
pytestmark = pytest.mark.usefixtures("at")


class StoredRecord(msgspec.Struct, frozen=True):
    """A record as it lies in the database, with what its source event says of it."""

    citizen_id: UUID
    number: int
    indicator: str | None
    honour: str | None
    source: str
    event_id: str
    event_on: Any
    ends_on: Any
    grade: str | None
    quantity: int | None
    document: str | None
    act_id: str | None
    state: str
    version: int
    entered_at: datetime
    joined_at: datetime
    digest: bytes
    is_event_mine: bool


@pytest.fixture(scope="module")
async def at(own_city: None) -> datetime:
    """Make the city in two goes, of which the second finds the first block there."""
    del own_city
    await ensure_epoch()
    begun, moved = now(), list[int]()
    plan: dict[str, Any] = {"seed": SEED, "at": begun, "records_mean": MEAN, "is_scored": False}
    await make_people(citizens=BLOCK, **plan, moved_in=moved.append)
    first = await list_ids()
    await make_people(citizens=CITIZENS, **plan, moved_in=moved.append)
    assert (await list_ids())[: len(first)] == first
    assert sum(moved) == BLOCK + CITIZENS
    return begun


@pytest.fixture
def var_folder() -> Iterator[Path]:
    """Make a folder with a short path, for sockets, that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="hx-city-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def list_ids() -> list[UUID]:
    ids: list[UUID] = await fetch_value(f"SELECT array_agg(id ORDER BY id) FROM citizen WHERE id IN {MINE}")
    return ids


async def list_stored() -> list[StoredRecord]:
    numbers = {compute_account_number(SEED, number): number for number in range(1, CITIZENS + 1)}
    return await fetch_all(
        StoredRecord,
        f"""
        SELECT r.citizen_id, n.number, r.indicator, r.honour, r.source, r.event_id, r.event_on, r.ends_on, r.grade,
               r.quantity, r.document, r.act_id, r.state, r.version, r.entered_at, c.joined_at,
               e.facts_digest AS digest, (e.record_id, e.citizen_id) = (r.id, r.citizen_id) AS is_event_mine
          FROM citizen c
          JOIN unnest($1::bigint[], $2::integer[]) AS n (account, number) ON n.account = c.account_number
          JOIN record r ON r.citizen_id = c.id
          LEFT JOIN record_source_event e ON e.source = r.source AND e.event_id = r.event_id
         WHERE c.id IN {MINE} AND (r.event_id LIKE 'demo-%' OR r.event_id LIKE 'identity:%')
        """,
        list(numbers),
        list(numbers.values()),
    )


async def test_everybody_is_there_once_and_in_order() -> None:
    ids = await list_ids()
    assert len(ids) == CITIZENS - (CITIZENS - 250) // 500 - 1
    accounts = await fetch_value(f"SELECT array_agg(account_number ORDER BY id) FROM citizen WHERE id IN {MINE}")
    expected = [compute_account_number(SEED, number) for number in range(1, CITIZENS + 1) if number % 500 != 250]
    assert accounts == expected
    states = await fetch_value(
        f"SELECT json_object_agg(state, n) FROM (SELECT state, count(*) n FROM citizen WHERE id IN {MINE} GROUP BY 1) s"
    )
    assert msgspec.json.decode(states) == {"active": len(ids) - 1, "frozen": 1}


async def test_the_records_are_those_of_the_seed_and_the_day(at: datetime) -> None:
    plan = Plan(seed=SEED, today=shanghai_day(at), records_mean=MEAN)
    expected = Counter(
        (resident.number, fact.record, fact.state, fact.version)
        for block in range(2)
        for residents in [compute_residents(SEED, block, plan.today)]
        for resident, life in zip(residents, compute_lives(plan, block, residents), strict=True)
        for fact in life
        if resident.number <= CITIZENS
    )
    stored = await list_stored()
    found = Counter((row.number, to_record(row, UUID(int=0), ""), row.state, row.version) for row in stored)
    assert found == expected
    assert all(row.joined_at <= row.entered_at <= at for row in stored)


async def test_every_record_has_its_event_and_digest() -> None:
    stored = await list_stored()
    assert len({(row.source, row.event_id) for row in stored}) == len(stored)
    for row in stored:
        assert row.is_event_mine
        assert row.digest == compute_facts_digest(to_record(row, row.citizen_id, row.event_id))
    identity = [row for row in stored if row.indicator == "BASE_ID_VERIFIED"]
    assert all(row.event_id == f"identity:{row.citizen_id}" for row in identity)


def to_record(row: StoredRecord, citizen_id: UUID, event_id: str) -> NewRecord:
    values = {name: getattr(row, name) for name in NewRecord.__struct_fields__}
    return NewRecord(**{**values, "citizen_id": citizen_id, "event_id": event_id})


async def test_importers_find_everybody_by_name_and_id_number() -> None:
    papers = [find_paper(SEED, number) for number in (1, 77, 251, 700, CITIZENS)]
    matched = await match_people([(paper.name, paper.number) for paper in papers])
    assert [found.birth_on for found in matched if found] == [paper.id_number.birth_on for paper in papers]
    gone = find_paper(SEED, 250)
    assert await match_people([(gone.name, gone.number), (papers[0].name + "错", papers[0].number)]) == [None, None]


async def test_nobody_has_a_score_until_it_is_computed(at: datetime) -> None:
    ids = await list_ids()
    scored = f"SELECT count(*) FROM score_snapshot WHERE citizen_id IN {MINE}"
    assert await fetch_value(scored) == 0
    assert await people_queries.find_is_unscored(shanghai_day(at))
    async with transaction():
        assert len(await rescore(ids, at=at)) == len(ids)
    levels = await fetch_value(f"SELECT count(DISTINCT level) FROM score_snapshot WHERE citizen_id IN {MINE}")
    assert levels == 5


async def test_an_account_number_somebody_has_is_left_alone(at: datetime) -> None:
    taken, other = compute_account_number(13, 1), uuid7()
    await execute(
        "INSERT INTO citizen (id, account_number, state, created_at) VALUES ($1, $2, 'new', $3)", other, taken, at
    )
    await make_people(citizens=2, seed=13, at=at)
    accounts = await fetch_value(
        "SELECT array_agg(account_number) FROM citizen WHERE district BETWEEN '991300' AND '991399'"
    )
    assert len(accounts) == 2
    assert taken not in accounts
    assert compute_account_number(13, 2) in accounts


@pytest.mark.parametrize("kind", ["records", "honours"])
async def test_an_import_counts_what_the_file_says(kind: Any, tmp_path: Path) -> None:
    code = f"demo-{kind}"
    entry = SourceEntry(
        code=code, title_zh="测试来源", title_en="a test's source", institution_id=None,
        mapping=make_default_mapping(code), indicators=None, honours=None,
    )  # fmt: skip
    await register_source(None, entry)
    expected = write_feed(
        FeedOrder(
            rows=4_000, seed=SEED, citizens=CITIZENS, kind=kind, dirt=0.08, duplicates=0.05, members_share=0.9,
            encoding="gb18030", form="csv", today=shanghai_day(now()),
        ),
        tmp_path / "feed.csv",
    )  # fmt: skip
    opened = await open_file_import(tmp_path / "feed.csv", source=code, parent_id=None)
    row = await run_import(opened.stored.id, pace=FULL, path=tmp_path / "feed.csv")
    assert row is not None
    assert row.state == "finished"
    counts = row.counts
    reasons = Counter(counts.clean.quarantined) + Counter(counts.match.quarantined) + Counter(counts.link.quarantined)
    assert reasons == expected.quarantined
    assert (counts.received, counts.match.not_a_member) == (expected.received, expected.not_a_member)
    assert (counts.link.fresh, counts.link.updated, counts.link.duplicate) == (expected.accepted, 0, expected.duplicate)
    await execute(f"DELETE FROM score_due WHERE citizen_id IN {MINE}")  # the other tests have a worker of their own


def test_the_command_makes_a_city_scores_it_and_says_what_is_in_it(var_folder: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "city", "generate", "--citizens", "150", "--records", "900"]
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    environment |= {"HUIXIN_VAR": str(var_folder), "COLUMNS": "120"}
    for _ in range(2):  # the second time everybody is there, and nothing changes
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for word in ("在册", "惠中区", "L5 极好", "POS_MARROW", "VOL_STAR", "negative", "前1%"):
            assert word in done.stdout
        assert done.stdout.count("│ 合计 total") == 6
        assert re.findall(r"active 在册 │ +(\d+)", done.stdout) == ["150"]


async def test_the_planner_is_told_how_large_a_city_has_become(app: object) -> None:
    del app
    await make_citizens(3)
    await people_queries.update_statistics()
    noted = await fetch_value("SELECT reltuples::bigint FROM pg_class WHERE oid = 'citizen'::regclass")
    assert noted == await fetch_value("SELECT count(*) FROM citizen")
