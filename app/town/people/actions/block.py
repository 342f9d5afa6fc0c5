"""A block of the demo city as rows to COPY: sealed people, their consents and records. Runs aside of the event loop."""

from __future__ import annotations

import os
from itertools import chain
from uuid import UUID

import msgspec

from app.citizen.actions.sealing import seal_openid, seal_person
from app.citizen.paper import Person
from app.town.people.copy import (
    NOISE_BYTES,
    NULL,
    UUID_LENGTH,
    make_ids,
    pack_bigint,
    pack_bytes,
    pack_day,
    pack_rows,
    pack_text,
    pack_timestamp,
)
from app.town.people.life import Plan, compute_lives
from app.town.people.names import BLOCK, find_account
from app.town.people.residents import Resident, compute_residents
from app.town.people.rows import CITIZEN_BEGIN, CITIZEN_COLUMNS, ConsentText, pack_consents, pack_life

FORGOTTEN = NULL * (len(CITIZEN_COLUMNS) - CITIZEN_COLUMNS.index("openid_index"))


class Order(msgspec.Struct, frozen=True):
    """Which block to make, up to which person; the instant its ids carry, and an account number for each."""

    plan: Plan
    block: int
    last: int
    milliseconds: int
    texts: tuple[ConsentText, ...]
    accounts: list[int]


class Made(msgspec.Struct, frozen=True):
    """Rows of a block in PostgreSQL's binary format, and the ids of those who are members in the order they sort."""

    member_ids: list[bytes]
    citizens: bytes
    consents: bytes
    records: bytes
    source_events: bytes


class BlockMaker:
    """Makes blocks; an object, because work aside is done by one."""

    def make(self, order: Order) -> Made:
        """Make everything of a block of people; only ids and cipher texts are random."""
        return make_block(order)


def make_block(order: Order) -> Made:
    """Make everything of a block of people; only ids and cipher texts are random."""
    plan, count = order.plan, min(order.last - order.block * BLOCK, BLOCK)
    residents = compute_residents(plan.seed, order.block, plan.today)
    lives = compute_lives(plan, order.block, residents)[:count]
    ids = _draw_ids(order.milliseconds, count)
    others = iter(_draw_ids(order.milliseconds, count * (1 + len(order.texts)) + sum(map(len, lives))))
    whole = list(zip(residents, ids, lives, strict=False))
    members = [one for one in whole if one[0].state != "left"]
    lived = [pack_life(resident, id_, life, plan.seed, others) for resident, id_, life in members]
    return Made(
        member_ids=[id_ for _, id_, _ in members],
        citizens=pack_rows(
            _pack_citizen(resident, id_, next(others), account, plan.seed)
            for (resident, id_, _), account in zip(whole, order.accounts, strict=True)
        ),
        consents=pack_rows(
            chain.from_iterable(pack_consents(resident, id_, order.texts, others) for resident, id_, _ in members)
        ),
        records=pack_rows(chain.from_iterable(rows for rows, _ in lived)),
        source_events=pack_rows(chain.from_iterable(rows for _, rows in lived)),
    )


def _draw_ids(milliseconds: int, count: int) -> list[bytes]:
    return make_ids(milliseconds, os.urandom(NOISE_BYTES * count))


def _pack_citizen(resident: Resident, citizen_id: bytes, cap_holder_id: bytes, account: int, seed: int) -> bytes:
    joined_at = pack_timestamp(resident.joined_at)
    begin = (
        CITIZEN_BEGIN, citizen_id, pack_bigint(account), pack_text(resident.state), joined_at, joined_at,
        pack_timestamp(resident.left_at),
    )  # fmt: skip
    if resident.state == "left":
        return b"".join((*begin, FORGOTTEN))
    at_wechat, row_id = find_account(seed, resident.number), UUID(bytes=citizen_id)
    sealed = seal_person(
        row_id, Person(name=resident.paper.name, id_number=resident.paper.id_number, phone=at_wechat.phone)
    )
    fields = (
        *seal_openid(row_id, at_wechat.openid), sealed.id_number_index, sealed.id_number_cipher, sealed.person_index,
        sealed.name_cipher, sealed.phone_index, sealed.phone_cipher,
    )  # fmt: skip
    end = (pack_day(sealed.birth_on), pack_text(sealed.district), UUID_LENGTH, cap_holder_id)
    return b"".join((*begin, *map(pack_bytes, fields), *end))
