"""Files of records: written, sent the way a source sends them, imported, and looked at."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.intake.file.actions.run import run_import
from app.intake.file.actions.upload import open_file_import
from app.intake.source.actions import register_source
from app.intake.source.compile import make_default_mapping
from app.intake.source.entry import SourceEntry
from app.kit.db.database import fetch_value
from app.kit.jobs.pace import FULL
from tests.support.importing import importer, today

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from httpx2 import AsyncClient, Response

    from app.intake.file.stored import StoredImport
    from tests.support.citizens import Joined
    from tests.support.officials import OfficialLogin

HEADER = "事件编号,指标,荣誉,身份证号,姓名,发生日期,结束日期,等级,数量,依据文书,行为编号"
FIELDS = ("event", "indicator", "honour", "number", "name", "on", "ends", "grade", "quantity", "document", "act")
PATH = "/v1/official/records/imports"


async def make_source(*, indicators: Sequence[str] | None = None, honours: Sequence[str] | None = None) -> str:
    """Register a source with the default names of columns, and return its code."""
    code = f"s-{secrets.token_hex(6)}"
    await register_source(
        None,
        SourceEntry(
            code=code, title_zh="民政局", title_en="Civil affairs", institution_id=None,
            mapping=make_default_mapping(code), indicators=indicators, honours=honours,
        ),
    )  # fmt: skip
    return code


def line_of(person: Joined, **changes: Any) -> str:
    """Return a good row about somebody, with changes."""
    values = {
        "event": secrets.token_hex(8), "indicator": "POS_RESCUE", "number": person.id_number, "name": person.name,
        "on": str(today() - timedelta(days=10)),
    } | changes  # fmt: skip
    return ",".join(str(values.get(field, "")) for field in FIELDS)


def make_file(*lines: str, header: str = HEADER, encoding: str = "utf-8") -> bytes:
    """Return a CSV file."""
    return "\r\n".join((header, *lines, "")).encode(encoding)


async def run_file(folder: Path, content: bytes, source: str, parent_id: UUID | None = None) -> StoredImport:
    """Import a file of this machine, the way the command line does."""
    path = folder / f"{secrets.token_hex(8)}.csv"
    path.write_bytes(content)
    received = await open_file_import(path, source=source, parent_id=parent_id)
    row = await run_import(received.stored.id, pace=FULL, path=path)
    assert row is not None
    assert row.counts.adds_up
    return row


async def upload(
    client: AsyncClient,
    content: Any,
    source: str,
    *,
    official: OfficialLogin | None = None,
    key: str | None = None,
    media: str = "text/csv",
    path: str = PATH,
) -> Response:
    """Send a file over HTTP."""
    headers = {"Content-Type": media, "Idempotency-Key": key or secrets.token_hex(12)}
    who = official or await importer()
    params = {"source": source} if source else {}
    return await client.post(path, content=content, params=params, headers=who.headers | headers)


async def finish(client: AsyncClient, answer: Response, official: OfficialLogin | None = None) -> dict[str, Any]:
    """Run the import an upload became, as the worker does, and return what HTTP shows of it."""
    assert answer.status_code == 202, answer.text
    await run_import(UUID(answer.json()["id"]), pace=FULL)
    who = official or await importer()
    shown = await client.get(f"{PATH}/{answer.json()['id']}", headers=who.headers)
    assert shown.status_code == 200, shown.text
    body: dict[str, Any] = shown.json()
    return body


async def count_of(table: str, **where: object) -> int:
    """Count the rows of a table that have these values."""
    conditions = " AND ".join(f"{name} = ${place}" for place, name in enumerate(where, start=1)) or "TRUE"
    return int(await fetch_value(f"SELECT count(*) FROM {table} WHERE {conditions}", *where.values()))


async def make_imports(client: AsyncClient) -> dict[str, str]:
    """Return the names of a source, of an import with something to correct, and of one that waits."""
    source = await make_source()
    held = await finish(client, await upload(client, make_file(secrets.token_hex(8) + "," * 10), source))
    waiting = await upload(client, make_file(secrets.token_hex(8) + "," * 10), source)
    return {"record_source": source, "import": held["id"], "waiting_import": waiting.json()["id"]}
