"""SQL of what a citizen sees: what they used, and what is left. One function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.kit.db.database import fetch_all
from app.redemption.till.queries.limits import Used
from app.redemption.till.redeeming import Redemption


class OwnRedemption(Redemption, frozen=True, kw_only=True):
    """A redemption as its citizen sees it: with the names of institution and store."""

    institution: str
    store: str


async def list_my_redemptions(citizen_id: UUID, before_id: UUID | None, limit: int) -> list[OwnRedemption]:
    """List a citizen's redemptions, newest first."""
    return await fetch_all(
        OwnRedemption,
        """SELECT redemption.id, redemption.state, benefit_id, title, institution.name AS institution,
            store.name AS store, amount_fen, discount_fen, redeemed_at
        FROM redemption
        JOIN institution ON institution.id = redemption.institution_id
        JOIN store ON store.id = redemption.store_id
        WHERE redemption.citizen_id = $1 AND ($2::uuid IS NULL OR redemption.id < $2)
            AND redeemed_on <= coalesce(timezone('Asia/Shanghai', uuid_extract_timestamp($2))::date, 'infinity')
        ORDER BY redeemed_on DESC, redemption.id DESC LIMIT $3""",
        citizen_id,
        before_id,
        limit,
    )


async def list_usage(benefit_ids: Sequence[UUID]) -> list[Used]:
    """Read how many places of limited benefits are taken; those not counted yet are left out."""
    return await fetch_all(
        Used, "SELECT benefit_id, used FROM benefit_usage WHERE is_whole AND benefit_id = ANY($1)", benefit_ids
    )
