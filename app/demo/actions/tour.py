"""The tour: scene after scene against a running service, from signing in to leaving."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from app.demo.actions.scene_people import play_joining, play_leaving, play_neighbours, play_record, play_report
from app.demo.actions.scene_race import play_access_log, play_race
from app.demo.actions.scene_stock import end_campaign, play_review, play_sold_out
from app.demo.actions.scene_tills import play_clinic, play_garage, play_top_level, play_vehicle_office
from app.demo.actions.stage import Tour, sign_in_officials
from app.demo.clients import call, open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httpx2 import AsyncClient

    from app.demo.actions.guide import Guide
    from app.town.places.actions.places import MadeOfficial
    from app.town.shown import City


async def play_tour(
    base_url: str,
    *,
    city: City,
    officials: Mapping[str, MadeOfficial],
    guide: Guide,
    kill_worker: Callable[[], int],
) -> None:
    """Play every scene; raises ``TourFailed`` at the first thing that is not as promised.

    ``officials`` are the tour's own; ``kill_worker`` kills one process of the service and returns its number.
    """
    async with open_client(base_url) as http:
        tour = await _begin(http, city, officials, guide)
        await play_joining(tour)
        await play_report(tour)
        await play_record(tour)
        await play_neighbours(tour)
        await play_clinic(tour)
        await play_vehicle_office(tour)
        await play_top_level(tour)
        await play_garage(tour)
        await play_review(tour)
        await play_sold_out(tour)
        await play_race(tour, kill_worker)
        await play_access_log(tour)
        await play_leaving(tour)
        await end_campaign(tour)


async def _begin(http: AsyncClient, city: City, officials: Mapping[str, MadeOfficial], guide: Guide) -> Tour:
    texts = guide.need(await call(http, "GET", "/v1/consents/current"), 200)["data"]
    return Tour(
        http=http,
        guide=guide,
        city=city,
        run=secrets.token_hex(4),
        officials=await sign_in_officials(http, guide, officials),
        consents=[{"purpose": text["purpose"], "version": text["version"]} for text in texts if text["isRequired"]],
        members={},
    )
