"""The register of sources, and how a source fares: counted row by row, late ones named, a bad turn seen."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.intake.quality.actions import read_quality, read_quality_of_all
from app.intake.quality.queries import insert_day_counts
from app.intake.quality.signs import (
    BAD_PERMILLE_MIN,
    LATE_PERMILLE_MIN,
    ROWS_MIN,
    TREND_DAYS,
    Quality,
    compute_late_before,
    compute_quality,
    is_late,
    judge_turned_bad,
)
from app.kit.db.database import fetch_value
from tests.support.citizens import join, make_id_number
from tests.support.files import line_of, make_file, make_source, run_file
from tests.support.importing import importer, item_of, outcomes_of, today
from tests.support.officials import make_official
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from pathlib import Path

    from httpx2 import AsyncClient

    from app.values.roles import Role

PATH = "/v1/official/sources"


def source_body(**changes: Any) -> dict[str, Any]:
    return {"code": f"s-{secrets.token_hex(6)}", "titleZh": "市民政局", "titleEn": "Civil Affairs", **changes}


async def test_a_source_is_registered_read_and_changed(client: AsyncClient) -> None:
    official, body = (
        await make_official(roles=["administrator"]),
        source_body(indicators=["POS_CLUE", "POS_CLUE"], honours=[]),
    )
    made = await client.post(PATH, json=body, headers=official.headers)
    assert made.status_code == 201, made.text
    own = f"{PATH}/{body['code']}"
    read = await client.get(own, headers=official.headers)
    assert read.json() == made.json()
    assert (read.json()["indicators"], read.json()["honours"], read.headers["ETag"]) == (["POS_CLUE"], [], '"1"')
    assert read.json()["mapping"]["source"] == body["code"], "our own names of columns"
    del body["code"]
    changed = {**body, "titleEn": "Other", "indicators": None, "mapping": read.json()["mapping"]}
    assert (await client.put(own, json=changed, headers=official.headers)).status_code == 428
    stale = await client.put(own, json=changed, headers=official.headers | {"If-Match": '"2"'})
    assert stale.status_code == 412
    done = await client.put(own, json=changed, headers=official.headers | {"If-Match": '"1"'})
    assert (done.status_code, done.headers["ETag"], done.json()["indicators"]) == (200, '"2"', None)
    listed = await client.get(PATH, params={"limit": 100}, headers=official.headers)
    assert done.json() in listed.json()["data"]
    audited = "SELECT array_agg(action ORDER BY number) FROM audit_entry WHERE subject = $1"
    assert await fetch_value(audited, f"source:{read.json()['code']}") == ["source.create", "source.change"]


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown indicator": ({"indicators": ["NO_SUCH"]}, 422, "source_invalid"),
    "denied topic": ({"indicators": ["petition"]}, 422, "source_invalid"),
    "unknown honour": ({"honours": ["NO_SUCH"]}, 422, "source_invalid"),
    "a code that is none": ({"code": "A B"}, 422, "source_invalid"),
    "no mapping": ({"mapping": {"source": "x1", "fields": {}}}, 422, "source_invalid"),
    "unknown institution": ({"institutionId": "01890000-0000-7000-8000-000000000000"}, 422, "institution_unknown"),
    "no title": ({"titleZh": ""}, 400, "invalid_request"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_makes_no_sense_is_not_registered(client: AsyncClient, name: str) -> None:
    changes, status, code = WRONG[name]
    answer = await client.post(
        PATH, json=source_body(**changes), headers=(await make_official(roles=["administrator"])).headers
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_the_register_is_the_centres(client: AsyncClient) -> None:
    body = source_body()
    partner = await make_partner()
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    assert (await client.post(PATH, json=body, headers=local.headers)).status_code == 403
    assert (await client.get(PATH, headers=local.headers)).status_code == 403
    centre = await make_official(roles=["administrator"])
    sent = body | {"institutionId": str(partner.institution_id)}
    assert (await client.post(PATH, json=sent, headers=centre.headers)).status_code == 201
    taken = await client.post(PATH, json=body, headers=centre.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "source_taken")
    assert (await client.get(f"{PATH}/nobody", headers=centre.headers)).status_code == 404


async def test_who_imports_registers_no_source(client: AsyncClient) -> None:
    """Or one official alone invents a source and sends in its name whatever they like."""
    local = source_body()
    made = await make_official(roles=["administrator"])
    assert (await client.post(PATH, json=local, headers=made.headers)).status_code == 201
    every: tuple[list[Role], ...] = (["importer"], ["importer", "administrator"])
    for roles in every:
        both = await make_official(roles=roles)
        answer = await client.post(PATH, json=source_body(), headers=both.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        content = {name: value for name, value in local.items() if name != "code"}
        changed = await client.put(f"{PATH}/{local['code']}", json=content, headers=both.headers | {"If-Match": '"1"'})
        assert (changed.status_code, changed.json()["code"]) == (403, "forbidden")


async def quality_of(client: AsyncClient, source: str, **params: str) -> dict[str, Any]:
    answer = await client.get(f"{PATH}/{source}/quality", params=params, headers=(await importer()).headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_files_and_single_posts_count_alike(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source(indicators=["POS_RESCUE"])
    fresh, late = str(today() - timedelta(days=3)), str(today() - timedelta(days=40))
    good = line_of(person, on=fresh)
    lines = [good, good, line_of(person, on=late), line_of(person, on="x"), line_of(person, indicator="POS_CLUE"),
             line_of(person, number=make_id_number(), name="陌生人")]  # fmt: skip
    await run_file(tmp_path, make_file(*lines), source)
    same = {"source": source}
    items = [item_of(person, **same), item_of(person, **same, eventOn=late), item_of(person, **same, eventOn="x"),
             item_of(person, **same, indicator="POS_CLUE"),
             item_of(person, **same, idNumber=make_id_number())]  # fmt: skip
    outcomes = ["accepted", "accepted", "date_invalid", "not_of_this_source", "not_a_member"]
    assert await outcomes_of(client, *items) == outcomes
    report = await quality_of(client, source)
    quarantined = {"date_unreadable": 1, "date_invalid": 1, "not_of_this_source": 2}
    expected = {
        "received": 11, "accepted": 4, "updated": 0, "duplicate": 1, "proposed": 0, "notAMember": 2, "late": 2,
        "quarantined": quarantined, "quarantinedPermille": 363, "latePermille": 500,
    }  # fmt: skip
    assert report["total"] == expected
    assert report["days"] == [{"day": str(today()), **expected}]
    assert report["turnedBad"] == [], "few rows prove nothing"


async def test_a_source_that_turns_bad_is_seen(client: AsyncClient) -> None:
    source, day = await make_source(), today() - timedelta(days=2)
    for ago in range(3, 3 + TREND_DAYS):
        counts = {(source, "received"): 100, (source, "accepted"): 98, (source, "quarantined:date_unreadable"): 2}
        await insert_day_counts(today() - timedelta(days=ago), counts)
    bad = {(source, "received"): 100, (source, "accepted"): 70, (source, "quarantined:name_mismatch"): 30}
    await insert_day_counts(day, bad)
    report = await quality_of(client, source, **{"from": str(day), "to": str(day)})
    assert [(sign["code"], sign["number"], sign["numberBefore"]) for sign in report["turnedBad"]] == [
        ("more_quarantined", 300, 20)
    ]
    assert report["before"]["received"] == 100 * TREND_DAYS
    answer = await client.get(
        f"{PATH}/{source}/quality", params={"from": str(day), "to": str(day - timedelta(days=1))},
        headers=(await importer()).headers,
    )  # fmt: skip
    assert answer.status_code == 400


def quality(received: int, held: int, late: int = 0) -> Quality:
    return Quality(received=received, accepted=received - held, late=late, quarantined={"x": held})


CASES: dict[str, tuple[Quality, Quality, int, list[str]]] = {
    "as before": (quality(1000, 20), quality(28_000, 560), 1, []),
    "just below the threshold": (quality(1000, BAD_PERMILLE_MIN - 1), quality(28_000, 0), 1, []),
    "at the threshold": (quality(1000, BAD_PERMILLE_MIN), quality(28_000, 0), 1, ["more_quarantined"]),
    "bad, but not twice as bad": (quality(1000, 99), quality(28_000, 1400), 1, []),
    "twice as bad": (quality(1000, 100), quality(28_000, 1400), 1, ["more_quarantined"]),
    "bad from its first day": (quality(1000, 100), Quality(), 1, ["more_quarantined"]),
    "too few rows": (quality(ROWS_MIN - 1, ROWS_MIN - 1), Quality(), 1, []),
    "late": (quality(1000, 0, LATE_PERMILLE_MIN), quality(28_000, 0), 1, ["more_late"]),
    "nearly silent": (quality(249, 0), quality(28_000, 0), 1, ["much_less_sent"]),
    "a quarter is not silent": (quality(250, 0), quality(28_000, 0), 1, []),
    "silent for a week": (Quality(), quality(28_000, 0), 7, ["much_less_sent"]),
    "never sent anything": (Quality(), Quality(), 7, []),
}


@pytest.mark.parametrize("name", CASES)
def test_when_a_source_has_turned_bad(name: str) -> None:
    now, before, days, signs = CASES[name]
    assert [sign.code for sign in judge_turned_bad(now, before, days=days)] == signs


def test_quality_adds_up_and_knows_reasons() -> None:
    counts = [("received", 3), ("quarantined:a", 1), ("received", 4), ("quarantined:a", 2), ("of another version", 9)]
    assert compute_quality(counts) == Quality(received=7, quarantined={"a": 3})


def test_late_is_more_than_a_month() -> None:
    before = compute_late_before(date(2026, 3, 31))
    assert before == date(2026, 2, 28)
    assert not is_late(date(2026, 2, 28), None, before)
    assert is_late(date(2026, 2, 27), None, before)
    assert not is_late(date(2026, 1, 1), date(2026, 3, 1), before), "what ended lately is reported in time"


async def test_quality_of_a_source_nobody_knows(client: AsyncClient) -> None:
    answer = await client.get(f"{PATH}/nobody/quality", headers=(await importer()).headers)
    assert answer.status_code == 404
    assert msgspec.json.decode(answer.content)["code"] == "not_found"


async def test_quality_of_all_is_that_of_each(app: object) -> None:
    del app
    sources, day = sorted([await make_source(), await make_source()]), today()
    await insert_day_counts(day, {(source, "accepted"): count for count, source in enumerate(sources, 1)})
    reports = {report.source: report for report in await read_quality_of_all(day, day)}
    assert list(reports) == sorted(reports)
    assert [reports[source] for source in sources] == [await read_quality(source, day, day) for source in sources]
    assert [reports[source].total.accepted for source in sources] == [1, 2]
