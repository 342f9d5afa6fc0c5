"""A mapping that a newer version wrote, during a switch, is in the way only of who reads files by it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from app.intake.source.queries.register import find_source
from app.kit.db.database import execute
from tests.support.citizens import join
from tests.support.files import line_of, make_file, make_source, upload
from tests.support.importing import NEGATIVE, approve, item_of, send
from tests.support.officials import make_official
from tests.support.pointing import event_of, make_app, report

if TYPE_CHECKING:
    from httpx2 import AsyncClient

SOURCES = "/v1/official/sources"


async def spoil(source: str) -> None:
    """Store a mapping with a member that this version does not know."""
    sql = """UPDATE source SET mapping = mapping || '{"ofTomorrow": 1}' WHERE code = $1"""
    await execute(sql, source)
    with pytest.raises(msgspec.ValidationError, match="ofTomorrow"):
        await find_source(source)


async def test_who_reads_no_file_does_not_mind(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    await spoil(source)
    (seen,) = (await send(client, item_of(person, source=source))).json()["items"]
    assert seen["outcome"] == "accepted", "a batch"
    assert (await upload(client, make_file(line_of(person)), source)).status_code == 202, "an upload"
    administrator = await make_official(roles=["administrator"])
    auditor = await make_official(roles=["auditor"])
    quiet = await make_source()
    await spoil(quiet)
    quality = await client.get(f"{SOURCES}/{quiet}/quality", headers=auditor.headers)
    assert quality.status_code == 200, quality.text
    item = item_of(person, source=source, **NEGATIVE)
    (proposed,) = (await send(client, item)).json()["items"]
    assert (await approve(client, proposed["proposalId"], item)).json()["state"] == "approved", "a proposal"
    content = {"titleZh": "市民政局", "titleEn": "Civil Affairs"}
    headers = administrator.headers | {"If-Match": '"1"'}
    mended = await client.put(f"{SOURCES}/{source}", json=content, headers=headers)
    assert mended.status_code == 200, "and an official may write another one over it"


async def test_points_are_set_up_and_counted(client: AsyncClient) -> None:
    person, app = await join(client), await make_app()
    administrator = await make_official(roles=["administrator"])
    await spoil(app.source)
    own = f"{SOURCES}/{app.source}"
    rule = {"kind": "walk", "indicator": "POS_PATROL", "numerator": 1, "denominator": 60, "yearlyCap": 3000}
    assert (await client.post(f"{own}/point-rules", json=rule, headers=administrator.headers)).status_code == 200
    assert (await client.get(f"{own}/point-rules", headers=administrator.headers)).status_code == 200
    assert (await report(client, app, event_of(person))).status_code == 202
    body = {"overlapSeconds": 0}
    assert (await client.post(f"{own}/secret", json=body, headers=administrator.headers)).status_code == 201


async def test_a_format_of_a_newer_version_hides_no_import(client: AsyncClient) -> None:
    """Its worker began the file; officials look on, and stop it, wherever they are answered."""
    person, source, who = await join(client), await make_source(), await make_official(roles=["importer"])
    answer = await upload(client, make_file(line_of(person)), source, official=who)
    import_id = UUID(answer.json()["id"])
    sql = """
        UPDATE record_import SET state = 'running', file_format = '{"kind": "xml", "encoding": "utf-8"}' WHERE id = $1
        """
    await execute(sql, import_id)
    path = "/v1/official/records/imports"
    listed = await client.get(path, params={"source": source}, headers=who.headers)
    assert [one["id"] for one in listed.json()["data"]] == [str(import_id)]
    for place in ("", "/quarantine"):
        assert (await client.get(f"{path}/{import_id}{place}", headers=who.headers)).status_code == 200
    assert (await client.post(f"{path}/{import_id}/cancel", headers=who.headers)).json()["state"] == "cancelled"
