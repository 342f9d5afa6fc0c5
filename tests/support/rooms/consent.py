"""A separate consent, and who looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    answer = await client.post("/v1/me/consents", json=CONSENT, headers=world.citizen.headers)
    assert answer.status_code == 200, answer.text
    return {"consent": PURPOSE}


PURPOSE = "pos_blood"
CONSENT = {"purpose": PURPOSE, "version": 1}

RIGHT = {
    "listConsentTexts": Right(),
    "listAccess": Right("citizen"),
    "listOwnConsents": Right("citizen"),
}
