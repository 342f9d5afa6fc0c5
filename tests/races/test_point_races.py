"""App points sent to two worker processes at once: every event once, and no remainder lost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.citizens import join
from tests.support.importing import records_of, score_of
from tests.support.live import all_at_once
from tests.support.pointing import event_of, make_app, on, report, total_of

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.live import LiveServer

pytestmark = pytest.mark.xdist_group("races")


async def test_two_workers_count_exactly(server: LiveServer, client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    before = await score_of(person)
    await server.wait_until_known(app.partner.headers)
    safety = event_of(person)
    minutes = [event_of(person, kind="patrol", amount=7, occurredAt=on(2026, 3, 1)) for _ in range(40)]
    async with server.client() as http:
        answers = await all_at_once([partial(report, http, app, event) for event in [safety] * 20 + minutes * 2])
    assert {answer.status_code for answer in answers} == {202}
    records = await records_of(person)
    assert [record.indicator for record in records].count("POS_REPORT_SAFETY") == 1
    assert sum(record.quantity or 0 for record in records) == 40 * 7 // 60
    assert (await total_of(person.id, "safety"), await total_of(person.id, "patrol")) == (1, 280)
    assert await score_of(person) == before + 10
