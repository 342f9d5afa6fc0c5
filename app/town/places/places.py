"""The demo city's institutions with their stores and terminals, what each gives, and the officials. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from app.campaign.terms.document import Benefit, CampaignDocument
from app.campaign.terms.limits import Scenario
from app.partner.directory import InstitutionKind
from app.values.roles import Role

CENTRE = "惠信市信用中心"
BENEFITS_FILE = Path(__file__).parent / "data" / "benefits.json"
CAMPAIGN_LIFETIME = timedelta(days=3 * 365)
KEY_LIFETIME = timedelta(days=365)
RACE_SLUG, RACE_TERMINALS = "market", 50
# A scenario is a row of a catalogue: this city adds shopping to those every city begins with.
RETAIL_CODE = "retail"
RETAIL = Scenario(RETAIL_CODE, "购物", "shopping", "leisure", needs_name=False, needs_without_score=False)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An institution: its stores, how many terminals each has, and the codes of the benefits it gives."""

    slug: str
    name: str
    kind: InstitutionKind
    stores: tuple[str, ...]
    benefits: tuple[str, ...] = ()
    terminals: int = 2


class Post(msgspec.Struct, frozen=True):
    """A staff account; without a place it is the centre's."""

    username: str
    roles: tuple[Role, ...]
    place: Place | None = None


PLACES = (
    Place(
        slug="hospital", name="惠信市第一人民医院", kind="hospital", stores=("门诊大厅", "住院处", "诚信就医台"),
        benefits=("MED_DEPOSIT_30K", "MED_DEPOSIT_50K", "MED_CHECKUP", "MED_GUIDE"),
    ),
    Place(
        slug="parking", name="惠安停车", kind="parking", stores=("中山路停车场", "滨江停车场"), benefits=("PARK_STEPS",)
    ),
    Place(
        slug="library", name="惠信市图书馆", kind="library", stores=("总馆", "城南分馆"), benefits=("LIBRARY",)
    ),
    Place(
        slug="transit", name="惠信交通集团", kind="transit", stores=("惠信北站", "公交总站", "自行车驿站"),
        benefits=("STATION_LANE", "BUS_HALF", "BIKE_DEPOSIT"),
    ),
    Place(
        slug="vehicles", name="惠信市车辆管理所", kind="government", stores=("办证大厅",), benefits=("VEHICLE_OFFICE",)
    ),
    Place(
        slug="office", name="惠信市政务服务中心", kind="government", stores=("市民大厅",), benefits=("GREEN_CHANNEL",)
    ),
    Place(slug="bank", name="惠信农商银行", kind="bank", stores=("营业部",)),
    Place(
        slug="pharmacy", name="惠康大药房", kind="merchant", stores=("人民路店", "大学城店"),
        benefits=("PHARMACY_20OFF",),
    ),
    Place(
        slug="garage", name="诚车汽修", kind="merchant", stores=("城东店", "城西店"), benefits=("GARAGE_STEPS",)
    ),
    Place(
        slug="scenic", name="惠山风景区", kind="merchant", stores=("南门", "惠山宾馆"),
        benefits=("SCENIC_STEPS", "HOTEL_DEPOSIT"),
    ),
    Place(
        slug="leisure", name="惠信文体中心", kind="merchant", stores=("影城", "体育馆"),
        benefits=("CINEMA_HALF", "GYM_TICKET", "VENUE_20OFF"),
    ),
    Place(
        slug=RACE_SLUG, name="惠民超市", kind="merchant", stores=("总店", "城南店", "城北店", "江滨店"),
        benefits=("RENT_3H",), terminals=RACE_TERMINALS,
    ),
)  # fmt: skip

# The first two look after each other's accounts: nobody resets their own.
ADMINISTRATORS = (Post("administrator", ("administrator",)), Post("administrator.2", ("administrator",)))
POSTS = (
    *ADMINISTRATORS,
    Post("reviewer", ("reviewer",)),
    Post("importer", ("importer",)),
    Post("auditor", ("auditor",)),
    *(Post(f"editor.{place.slug}", ("editor",), place) for place in PLACES),
)
# The tour signs in with accounts of its own, so that nobody else's TOTP code is used up.
TOUR_EDITOR = Post("tour.editor", ("editor", "reviewer"))
TOUR_REVIEWER = Post("tour.reviewer", ("reviewer",))
TOUR_IMPORTER = Post("tour.importer", ("importer",))
TOUR_POSTS = (TOUR_EDITOR, TOUR_REVIEWER, TOUR_IMPORTER)


def find_place(slug: str) -> Place:
    """Return a place by its short name."""
    return next(place for place in PLACES if place.slug == slug)


def read_benefits() -> dict[str, Benefit]:
    """Read the benefits cities have published, by code."""
    rows: list[dict[str, Any]] = msgspec.json.decode(BENEFITS_FILE.read_bytes())["benefits"]
    fields = set(Benefit.__struct_encode_fields__)
    found = [msgspec.convert({name: row[name] for name in row if name in fields}, Benefit) for row in rows]
    return {benefit.code: benefit for benefit in found}


def compute_campaign(place: Place, benefits: dict[str, Benefit], at: datetime) -> CampaignDocument:
    """Return the campaign in which a place gives its benefits."""
    return CampaignDocument(
        title=f"{place.name}·守信有礼",
        summary=f"{place.name}面向守信市民的激励措施。出示信用码即可享受；没有信用分的市民，各项服务照常。",
        starts_at=at - timedelta(minutes=1),
        ends_at=at + CAMPAIGN_LIFETIME,
        benefits=tuple(benefits[code] for code in place.benefits),
    )
