"""Everyday reads: what a partner and a publisher see of the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_all, fetch_one, fetch_value
from app.redemption.till.redeeming import Redemption


class PartnersRedemption(Redemption, frozen=True, kw_only=True):
    """A redemption as its partner sees it."""

    benefit_code: str
    reference: str
    store_id: UUID
    terminal_id: UUID
    reversible_until: datetime


class DayTotals(msgspec.Struct, frozen=True, kw_only=True):
    """One day's totals."""

    count: int
    sum_fen: int
    amount_fen: int
    reversed_count: int
    reversed_sum_fen: int
    digest: str


class BenefitCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How often a benefit was redeemed and reversed, and what it gave in fen."""

    benefit_id: UUID
    code: str
    redeemed: int
    reversed: int
    discount_fen: int


PARTNER_COLUMNS = ", ".join(PartnersRedemption.__struct_fields__)


async def list_partner_redemptions(
    institution_id: UUID, store_ids: Sequence[UUID] | None, *, since: UUID, before: UUID, limit: int
) -> list[PartnersRedemption]:
    """List an institution's redemptions between two ids, newest first, at the stores a key may see.

    An id carries the instant of its redemption (``kit.clock.first_id_of``).
    """
    return await fetch_all(
        PartnersRedemption,
        f"""SELECT {PARTNER_COLUMNS} FROM redemption
        WHERE institution_id = $1 AND id >= $3 AND id < $4 AND ($2::uuid[] IS NULL OR store_id = ANY($2))
        ORDER BY id DESC LIMIT $5""",
        institution_id,
        store_ids,
        since,
        before,
        limit,
    )


async def list_by_reference(
    institution_id: UUID, store_ids: Sequence[UUID] | None, reference: str
) -> list[PartnersRedemption]:
    """Read the redemptions that had a reference one after the other, newest first, at the stores a key may see."""
    return await fetch_all(
        PartnersRedemption,
        f"""SELECT {PARTNER_COLUMNS} FROM redemption
        WHERE institution_id = $1 AND reference = $3 AND ($2::uuid[] IS NULL OR store_id = ANY($2))
        ORDER BY reference_turn DESC""",
        institution_id,
        store_ids,
        reference,
    )


async def find_statement(
    institution_id: UUID, store_ids: Sequence[UUID] | None, *, since: UUID, before: UUID
) -> DayTotals:
    """Total the redemptions between two ids: count, sums in fen, SHA-256 of the ids in order, joined by newlines."""
    row = await fetch_one(
        DayTotals,
        """SELECT count(*) AS count,
            coalesce(sum(discount_fen), 0)::bigint AS sum_fen,
            coalesce(sum(amount_fen), 0)::bigint AS amount_fen,
            count(*) FILTER (WHERE state = 'reversed') AS reversed_count,
            coalesce(sum(discount_fen) FILTER (WHERE state = 'reversed'), 0)::bigint AS reversed_sum_fen,
            encode(sha256(convert_to(coalesce(string_agg(id::text, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex') AS digest
        FROM redemption
        WHERE institution_id = $1 AND id >= $3 AND id < $4 AND ($2::uuid[] IS NULL OR store_id = ANY($2))""",
        institution_id,
        store_ids,
        since,
        before,
    )
    assert row is not None
    return row


async def list_totals(campaign_id: UUID) -> list[BenefitCounts]:
    """Total a campaign's benefits without naming anybody."""
    return await fetch_all(
        BenefitCounts,
        """SELECT benefit.id AS benefit_id, benefit.code,
            count(redemption.id) FILTER (WHERE redemption.state = 'redeemed') AS redeemed,
            count(redemption.id) FILTER (WHERE redemption.state = 'reversed') AS reversed,
            coalesce(sum(redemption.discount_fen) FILTER (WHERE redemption.state = 'redeemed'), 0)::bigint
                AS discount_fen
        FROM benefit
        LEFT JOIN redemption
            ON redemption.institution_id = benefit.institution_id AND redemption.benefit_id = benefit.id
        WHERE benefit.campaign_id = $1
        GROUP BY benefit.id, benefit.code
        ORDER BY benefit.code""",
        campaign_id,
    )


async def find_campaign_owner(campaign_id: UUID) -> UUID | None:
    """Read which institution published a campaign."""
    owner: UUID | None = await fetch_value("SELECT institution_id FROM campaign WHERE id = $1", campaign_id)
    return owner
