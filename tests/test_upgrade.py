"""A city of the version before with all that may lie in it: it is brought to this one, holds, starts, and goes on."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from contextlib import asynccontextmanager
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from app.campaign.terms.document import CampaignDocument
from app.campaign.terms.grant import PercentOff
from app.duties import CHECKS
from app.event.actions import ensure_epoch
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_all, fetch_value, transaction
from app.redemption.till.receipt import RedemptionReceipt, encode_receipt
from app.score.current.actions.read import find_wrong_scores, read_score, unfold_score
from app.score.current.actions.rescore import rescore
from app.score.current.views import show_score
from app.values.days import shanghai_day
from tests.support.histories import new_record
from tests.support.live import live_server
from tests.support.own_city import speaking_to
from tests.support.partners import Partner, make_partner
from tests.support.recording import put_records
from tests.support.redeeming import Shopper, code_of, make_shopper, redeem, show_code
from tests.support.switching import make_bare_official
from tests.support.tables import make_partitions_of_then
from tests.test_migrations import FILES, load
from tests.test_verify import run_cli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BEFORE = "0017"  # the last migration of the version before
MIGRATE = "import asyncio, sys; from piccolo.apps.migrations.commands.forwards import run_forwards as run;"
MIGRATE += " sys.exit(not asyncio.run(run('huixin', sys.argv[1])).success)"
LIMITS = "limits count what stands"
COUNT_USE = "INSERT INTO benefit_use VALUES ($1, $2, 0, '2000-01-01', $3)"
SCORE_FILES = """SELECT array_agg(pg_relation_filenode(name::regclass)::bigint)
    FROM unnest(ARRAY['score_snapshot', 'score_prepared']) AS name"""
STOCK = 3
DIMENSIONS = 5
OLD_DAY = timedelta(days=20)
SAME_KEY = """
    INSERT INTO redemption (id, institution_id, idempotency_key, request_digest, reference, scan_id, benefit_id,
        benefit_code, title, campaign_version, is_stock_counted, citizen_id, store_id, terminal_id, state, redeemed_at,
        reversible_until, answer)
    SELECT gen_random_uuid(), institution_id, idempotency_key, 'x', 'R-2', gen_random_uuid(), benefit_id, 'B', 't', 1,
        false, citizen_id, store_id, terminal_id, state, redeemed_at, redeemed_at, 'x'
    FROM redemption WHERE reference = 'R-1'
"""


class Old(msgspec.Struct, frozen=True, kw_only=True):
    """What was put into the city of the version before."""

    partner: Partner
    benefit_id: UUID
    shopper: Shopper
    leavers: list[UUID]
    foreigner: UUID
    key: str
    body: dict[str, Any]
    answer: bytes
    draft_id: int
    scored: UUID
    score_files: list[int]
    url: str


@asynccontextmanager
async def fresh_city() -> AsyncIterator[tuple[str, Callable[[str], Awaitable[None]]]]:
    """Make an empty database; yield its address, and what brings it to a migration."""
    name, url = f"upgrade_{uuid4().hex}", os.environ["DATABASE_URL"]
    server = await asyncpg.connect(url)
    await server.execute(f'CREATE DATABASE "{name}"')
    fresh = urlsplit(url)._replace(path=f"/{name}").geturl()

    async def bring(number: str) -> None:
        environment = {**os.environ, "DATABASE_URL": fresh}
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, number, env=environment)
        assert await process.wait() == 0

    try:
        yield fresh, bring
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


@pytest.fixture(scope="module")
async def old(app: object) -> AsyncIterator[Old]:
    """Make such a city and bring it to this version."""
    assert app is not None
    async with fresh_city() as (fresh, bring):
        await bring(BEFORE)
        async with speaking_to(fresh):
            made = await fill(fresh)
        code, said = await run_cli("migrate", environment={**os.environ, "DATABASE_URL": fresh})
        assert code == 0, said
        yield made


async def fill(url: str) -> Old:
    await make_partitions_of_then()
    await ensure_epoch()
    partner, shopper, makers = await make_partner(), await make_shopper(), [await make_bare_official() for _ in "ab"]
    foreigner, resident = await make_shopper(), await make_shopper()
    await execute("UPDATE citizen SET district = '911156' WHERE id = $1", foreigner.id)
    await execute("UPDATE citizen SET district = '110101' WHERE id = $1", resident.id)
    benefit_id = await put_benefit(partner, makers)
    key, answer, body = secrets.token_hex(12), b"", {}
    for number in range(2):  # the counters say 1 and 7, as wrong as an edited limit made them
        body = body_of(partner, benefit_id, f"OLD-{number}")
        answer = await put_redemption(partner, benefit_id, shopper.id, shopper.cap_holder_id, key + str(number), body)
    await execute("INSERT INTO benefit_usage VALUES ($1, 1)", benefit_id)
    await execute(COUNT_USE, benefit_id, shopper.cap_holder_id, 7)
    await execute("DELETE FROM score_snapshot")
    await put_score(resident.id)
    return Old(
        partner=partner, benefit_id=benefit_id, shopper=shopper, foreigner=foreigner.id, key=key + "1", body=body,
        answer=answer, url=url, scored=resident.id, draft_id=await put_previews(makers[0]),
        score_files=await fetch_value(SCORE_FILES),
        leavers=[await put_leaver(partner, buried) for buried in (True, False)],
    )  # fmt: skip


async def put_score(citizen_id: UUID) -> None:
    """Store the score of somebody without records as the version before did, in JSON."""
    dimensions = [
        {"code": code, "points": points}
        for code, points in {"basic": 60, "positive": 0, "usage": 0, "negative": 0, "repair": 0}.items()
    ]
    await execute(
        """INSERT INTO score_snapshot (citizen_id, value, level, dimensions, honours, parts, rule_book_id, as_of,
            inputs_hash, computed_at)
        SELECT $1, 560, 'L2', $2, '[]', '{"BASE_CLEAN": 60}', id, $3::date,
            sha256(digest || convert_to('|' || $3::date || '||', 'UTF8')), now()
        FROM rule_book WHERE state = 'active'""",
        citizen_id, msgspec.json.encode(dimensions).decode(), shanghai_day(now()),
    )  # fmt: skip


async def put_benefit(partner: Partner, makers: list[UUID]) -> UUID:
    """Put a benefit in force whose second version has a stock and a cap, which the first one had not."""
    campaign_id, benefit_id, at = uuid7(), uuid7(), now()
    benefit = {
        "code": "B_OLD", "title": "房屋租住优惠", "kind": "fee_reduction", "scenario": "garage",  # flagged by now
        "eligibility": {"type": "scoreAtLeast", "value": 100},
        "grant": {"type": "percentOff", "percent": 10, "maxFen": 10000},
        "stock": STOCK, "perCitizen": {"count": 5, "period": "campaign"},
    }  # fmt: skip
    days = {"startsAt": at - timedelta(days=40), "endsAt": at + timedelta(days=30)}
    document = msgspec.json.encode({"title": "测试", "summary": "测试", **days, "benefits": [benefit]}).decode()
    assert msgspec.json.decode(document, type=CampaignDocument)
    await execute(
        "INSERT INTO campaign (id, institution_id, state, live_version, head_version, created_at)"
        " VALUES ($1, $2, 'live', 2, 2, $3)",
        campaign_id, partner.institution_id, at,
    )  # fmt: skip
    await execute(
        """INSERT INTO campaign_version (campaign_id, version, state, document, drafted_by, drafted_at, submitted_by,
            submitted_at, decided_by, decided_at)
        SELECT $1, version, 'approved', $2::text::jsonb, $3, $5, $3, $5, $4, $5 FROM generate_series(1, 2) version""",
        campaign_id, document, *makers, at,
    )  # fmt: skip
    sql = "INSERT INTO benefit (id, institution_id, campaign_id, code) VALUES ($1, $2, $3, 'B_OLD')"
    await execute(sql, benefit_id, partner.institution_id, campaign_id)
    return benefit_id


def body_of(partner: Partner, benefit_id: UUID, reference: str) -> dict[str, Any]:
    """Return a body, spelt as its digest was made of it."""
    return {
        "benefitId": str(benefit_id), "terminalId": str(partner.terminal_ids[0]), "reference": reference,
        "scanId": None, "code": "96" + "1" * 20, "amountFen": None,
    }  # fmt: skip


def digest_of(body: dict[str, Any]) -> bytes:
    return sha256(b"POST /v1/partner/redemptions\n" + msgspec.json.encode(body)).digest()


async def put_redemption(
    partner: Partner, benefit_id: UUID, citizen_id: UUID, holder: UUID | None, key: str, body: dict[str, Any]
) -> bytes:
    """Store a redemption as the version before did, under the first version of its campaign."""
    at, redemption_id = now() - OLD_DAY, uuid7()
    receipt = RedemptionReceipt(
        id=redemption_id, state="redeemed", benefit_id=benefit_id, grant=PercentOff(percent=10, max_fen=10000),
        amount_fen=None, discount_fen=None, redeemed_at=at, reversible_until=at, reference=body["reference"],
        allowed_actions=[],
    )  # fmt: skip
    answer = encode_receipt(receipt)
    await execute(
        """INSERT INTO redemption (id, institution_id, idempotency_key, request_digest, reference, scan_id, benefit_id,
            benefit_code, title, campaign_version, is_stock_counted, citizen_id, cap_holder_id, step, period_on,
            store_id, terminal_id, state, redeemed_at, reversible_until, answer)
        VALUES ($1, $2, $3, $4, $5, gen_random_uuid(), $6, 'B_OLD', '优惠', 1, false, $7, $8, $9, $10, $11, $12,
            'redeemed', $13, $13, $14)""",
        redemption_id, partner.institution_id, key, digest_of(body),
        body["reference"], benefit_id, citizen_id, holder, 0 if holder else None,
        at.date().replace(year=2000, month=1, day=1) if holder else None, partner.store_ids[0],
        partner.terminal_ids[0], at, answer,
    )  # fmt: skip
    return answer


async def put_leaver(partner: Partner, is_buried: bool) -> UUID:
    """Store somebody who redeemed twice and left, with a tombstone or after it was forgotten."""
    citizen_id, holder, at = uuid7(), uuid4(), now() - timedelta(days=10)
    sql = "INSERT INTO citizen (id, account_number, state, created_at, left_at) VALUES ($1, $2, 'left', $3, $3)"
    await execute(sql, citizen_id, secrets.randbelow(10**9), at)
    for _ in range(2):
        benefit_id, key = uuid7(), secrets.token_hex(12)
        await put_redemption(partner, benefit_id, citizen_id, holder, key, body_of(partner, benefit_id, key))
        await execute(COUNT_USE, benefit_id, holder, 1)
    if is_buried:
        await execute("INSERT INTO tombstone VALUES ($1, $2, $3, $4)", secrets.token_bytes(32), holder, at, now())
    return citizen_id


async def put_previews(official: UUID) -> int:
    """Store finished previews of a draft and of books past it; the one in force is one that today would be refused."""
    await execute(
        """UPDATE rule_book SET document = jsonb_set(document, '{indicators}', (
            SELECT jsonb_agg(CASE WHEN one ->> 'code' = 'NEG_TAX_ARREARS' THEN one || '{"values": [{"points": 5}]}'
                ELSE one END ORDER BY place)
            FROM jsonb_array_elements(document -> 'indicators') WITH ORDINALITY AS each (one, place)))
        WHERE state = 'active'"""
    )
    copy = """INSERT INTO rule_book (code, version, state, document, digest, base, level_codes, level_edges,
            consent_purposes, public_id, makers, submitted_by, submitted_at)
        SELECT code, version + 1, 'draft', document, digest, base, level_codes, level_edges, consent_purposes,
            gen_random_uuid(), ARRAY[$1::uuid], NULL, NULL FROM rule_book WHERE state = 'active'"""
    await execute("UPDATE rule_book SET state = 'retired', retired_at = now() WHERE code = 'ledger'")
    await execute(copy, official)
    await execute(
        """INSERT INTO rule_book_preview (rule_book_id, from_rule_book_id, state, sample, day, requested_by,
            requested_at, after_id, citizens_done, citizens_total, counts, finished_at)
        SELECT id, id, 'done', 'all', $2, $1, now(), gen_random_uuid(), 40, 40, '{"points": {"0": 40}}', now()
        FROM rule_book""",
        official, shanghai_day(now()),
    )  # fmt: skip
    return int(await fetch_value("SELECT id FROM rule_book WHERE state = 'draft'"))


class PreviewLeft(msgspec.Struct, frozen=True):
    """A preview as it lies there."""

    rule_book_id: int
    state: str
    counts: str
    citizens_done: int


async def test_what_lies_there_is_brought_along(old: Old) -> None:
    async with speaking_to(old.url):
        previews = await fetch_all(
            PreviewLeft, "SELECT rule_book_id, state, counts::text, citizens_done FROM rule_book_preview"
        )
        assert previews == [PreviewLeft(old.draft_id, "waiting", "{}", 0)]
        left = await fetch_value("SELECT array_agg(citizen_id ORDER BY citizen_id) FROM former_account")
        assert left == sorted(old.leavers)
        assert await fetch_value("SELECT bool_and(forget_at > now() - interval '1 hour') FROM former_account")
        sql = "SELECT limits_version FROM benefit WHERE id = $1 AND limited_at IS NOT NULL"
        assert await fetch_value(sql, old.benefit_id) == 2
        districts = "SELECT array_agg(district ORDER BY district) FROM citizen WHERE state = 'active'"
        assert await fetch_value(districts) == ["110101", "990000", None]
        assert await fetch_value("SELECT district IS NULL FROM citizen WHERE id = $1", old.foreigner)


async def test_a_score_of_the_version_before_is_shown_holds_and_moves(old: Old) -> None:
    is_json = "SELECT parts IS NOT NULL AND part_points IS NULL FROM score_snapshot WHERE citizen_id = $1"
    async with speaking_to(old.url):
        assert await fetch_value(SCORE_FILES) == old.score_files, "of millions of scores none was written anew"
        assert await points_of(old.scored) == (560, {"basic": 60})
        assert await find_wrong_scores(100) == [], "also its hash is the one of today"
        async with transaction():
            assert await rescore([old.scored], at=now()) == []
        assert await fetch_value(is_json, old.scored)
        record = new_record(old.scored, "POS_RESCUE", event_on=shanghai_day(now()))
        async with transaction():
            await put_records([record], at=now(), entered_by=None)
            (change,) = await rescore([old.scored], at=now())
        assert [(one.code, one.subject, one.points) for one in change.reasons] == [("appeared", "POS_RESCUE", 40)]
        assert await points_of(old.scored) == (600, {"basic": 60, "positive": 40})
        assert not await fetch_value(is_json, old.scored)


async def points_of(citizen_id: UUID) -> tuple[int, dict[str, int]]:
    """Return what is shown of a score: its value, and the dimensions that have points."""
    view = show_score(unfold_score(await read_score(citizen_id)), "zh")
    assert len(view.dimensions) == DIMENSIONS
    return view.value, {one.code: one.points for one in view.dimensions if one.points}


async def test_the_city_holds_starts_and_goes_on(old: Old) -> None:
    """Its book in force is one that today's rules refuse; its counters are counted again before they limit anybody."""
    environment = {**os.environ, "DATABASE_URL": old.url}
    async with speaking_to(old.url), transaction():
        await rescore([old.shopper.id], at=now())
    await check_all(environment)
    with live_server(environment) as server:
        async with server.client() as client:
            headers = old.partner.headers | {"Idempotency-Key": old.key}
            again = await client.post("/v1/partner/redemptions", json=old.body, headers=headers)
            assert (again.status_code, again.content) == (201, old.answer)
            assert again.headers["Idempotency-Replayed"] == "true"
            other = await client.post(  # of another day: the key is free, and the code is none
                "/v1/partner/redemptions", json=old.body | {"reference": "OTHER"}, headers=headers
            )
            assert (other.status_code, code_of(other)) == (422, "credit_code_invalid")
            assert other.headers.get("Idempotency-Replayed") is None
            codes = [show_code(old.shopper) for _ in range(2)]
            answers = [await redeem(client, old.partner, old.benefit_id, code=code) for code in codes]
            assert [(one.status_code, code_of(one)) for one in answers] == [(201, ""), (409, "stock_gone")]
            assert (await client.get("/v1/rule-books/current")).status_code == 200
    await check_all(environment)


async def check_all(environment: dict[str, str]) -> None:
    code, said = await run_cli("verify", environment=environment)
    assert said == [f"ok    {check.name}" for check in CHECKS]
    assert code == 0


def test_who_left_is_looked_for_before_anything_is_locked() -> None:
    """The scan through all redemptions must not hold up redeeming, nor the rows it reads be locked by what follows."""
    (sql,) = [load(path).SQL for path in FILES if load(path).DESCRIPTION == LIMITS]
    assert sql.index("INSERT INTO former_account") < sql.index("ALTER TABLE")
    assert sql.index("UPDATE benefit") < sql.index("ALTER TABLE redemption")
    assert sql.rindex("ALTER TABLE") == sql.index("ALTER TABLE redemption")


async def test_what_is_stored_while_redemptions_are_copied_comes_along(app: object) -> None:
    """One redemption lies there before the copy, one comes after it, and the first is reversed in between."""
    assert app is not None
    async with fresh_city() as (url, bring):
        await bring("0024")
        async with speaking_to(url):
            await make_partitions_of_then()
            partner, benefit_id = await make_partner(), uuid4()
            bodies = [body_of(partner, benefit_id, f"R-{number}") for number in range(2)]
            first = await put_redemption(partner, benefit_id, uuid4(), uuid4(), "first-key-0123456", bodies[0])
        await bring("0025")
        async with speaking_to(url):
            await put_redemption(partner, benefit_id, uuid4(), uuid4(), "later-key-0123456", bodies[1])
            await execute(
                """WITH undone AS (
                    UPDATE redemption SET state = 'reversed' WHERE reference = 'R-0' RETURNING institution_id, id)
                INSERT INTO reversal SELECT gen_random_uuid(), institution_id, id, 'undo-key-01234567', 'x', 'r', now(),
                    'y' FROM undone"""
            )
            await put_redemption(
                partner, benefit_id, uuid4(), uuid4(), "again-key-0123456", body_of(partner, benefit_id, "R-9")
            )
            await execute(  # the same scan is rung up again, under the same reference; a clock is two hours ahead
                """UPDATE redemption SET reference = 'R-0', reference_turn = 1,
                    redeemed_at = now() + interval '2 hours', scan_id = (
                        SELECT scan_id FROM redemption WHERE reference = 'R-0')
                WHERE reference = 'R-9'"""
            )
        await bring("0026")
        async with speaking_to(url):
            stored = await fetch_all(
                Stored, "SELECT reference, state, slot_day, answer FROM redemption ORDER BY reference, state DESC"
            )
            day = (now() - OLD_DAY).date()
            assert [(one.reference, one.state, one.slot_day) for one in stored] == [
                ("R-0", "reversed", day), ("R-0", "redeemed", (now() + timedelta(hours=2)).date()),
                ("R-1", "redeemed", day),
            ]  # fmt: skip
            assert stored[0].answer == first
            with pytest.raises(asyncpg.UniqueViolationError, match="redemption_key"):
                await execute(SAME_KEY)
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await execute("DELETE FROM redemption WHERE reference = 'R-0' AND state = 'reversed'")


class Stored(msgspec.Struct, frozen=True):
    """A redemption as it came through."""

    reference: str
    state: str
    slot_day: date
    answer: bytes
