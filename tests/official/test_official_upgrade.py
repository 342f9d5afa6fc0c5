"""A city of the version before: its accounts stay, the centre's suspensions are known, its processes do no harm."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.test_migrations import FILES, load

ENROLMENT = next(path for path in FILES if path.stem.endswith("_enrolment"))
FOUNDATIONS, PEOPLE = FILES[:2]  # all that the tables of officials and institutions need
BEFORE = """
INSERT INTO institution VALUES ('00000000-0000-7000-8000-000000000001', '惠民超市', 'merchant', 'active', now());
INSERT INTO official (id, username, institution_id, roles, state, password_hash, totp_cipher, created_at)
SELECT uuid, name, institution, '{administrator}', state, 'hash', 'cipher', now() FROM (VALUES
    ('00000000-0000-7000-8000-0000000000a1'::uuid, 'centre', NULL::uuid, 'active'),
    ('00000000-0000-7000-8000-0000000000a2', 'owner', '00000000-0000-7000-8000-000000000001', 'active'),
    ('00000000-0000-7000-8000-0000000000a3', 'stopped', '00000000-0000-7000-8000-000000000001', 'suspended'))
    AS o (uuid, name, institution, state);
INSERT INTO store SELECT ('00000000-0000-7000-8000-00000000005' || n)::uuid, '00000000-0000-7000-8000-000000000001',
    'store ' || n, CASE WHEN n = 3 THEN 'active' ELSE 'suspended' END, now() FROM generate_series(1, 3) n;
"""
ENTRIES = [
    (1, "owner", "store.suspend", "store:00000000-0000-7000-8000-000000000051"),
    (2, "centre", "store.suspend", "store:00000000-0000-7000-8000-000000000051"),
    (3, "centre", "store.suspend", "store:00000000-0000-7000-8000-000000000052"),
    (4, "owner", "store.suspend", "store:00000000-0000-7000-8000-000000000052"),
    (5, "centre", "store.suspend", "store:00000000-0000-7000-8000-000000000053"),
    (6, "centre", "official.suspend", "official:00000000-0000-7000-8000-0000000000a3"),
]
OLD_ROWS = "UPDATE official SET state = 'invited', password_hash = NULL, needs_second = true WHERE username = 'owner'"


@pytest.fixture
async def upgraded(app: object) -> Any:
    assert app is not None
    name, url = f"upgrade_{uuid4().hex}", os.environ["DATABASE_URL"]
    server = await asyncpg.connect(url)
    await server.execute(f'CREATE DATABASE "{name}"')
    connection = await asyncpg.connect(urlsplit(url)._replace(path=f"/{name}").geturl())
    try:
        await connection.execute(load(FOUNDATIONS).SQL.partition("INSERT INTO audit_head")[0])
        await connection.execute(load(PEOPLE).SQL)
        await connection.execute(BEFORE)
        for number, actor, action, subject in ENTRIES:
            await connection.execute(
                "INSERT INTO audit_entry SELECT $1, now(), id, username, $3, $4, '{}', '', uuid_send(gen_random_uuid())"
                " FROM official WHERE username = $2",
                number, actor, action, subject,
            )  # fmt: skip
        await connection.execute(load(ENROLMENT).SQL)
        yield connection
    finally:
        await connection.close()
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


async def test_accounts_stay_as_they_are(upgraded: Any) -> None:
    rows = await upgraded.fetch("SELECT username, state, needs_second, suspended_by_centre FROM official ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("centre", "active", False, False), ("owner", "active", False, False), ("stopped", "suspended", False, True),
    ]  # fmt: skip


async def test_who_suspended_last_is_known(upgraded: Any) -> None:
    rows = await upgraded.fetch("SELECT subject_id, revision, suspended_by_centre FROM standing")
    assert [tuple(row) for row in rows] == [(UUID("00000000-0000-7000-8000-000000000051"), 1, True)]


async def test_a_process_of_the_old_version_makes_no_pending_account_active(upgraded: Any) -> None:
    await upgraded.execute(OLD_ROWS)
    for sql in (
        "UPDATE official SET state = 'active', token_generation = token_generation + 1 WHERE username = 'owner'",
        "UPDATE official SET state = 'active', password_hash = 'x', totp_cipher = 'y' WHERE username = 'owner'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await upgraded.execute(sql)
    await upgraded.execute(
        "INSERT INTO official (id, username, roles, state, password_hash, totp_cipher, created_at)"
        " VALUES (gen_random_uuid(), 'made-by-old', '{editor}', 'active', 'x', 'y', now())"
    )
