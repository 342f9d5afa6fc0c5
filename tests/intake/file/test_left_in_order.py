"""An import that stops in the middle ends what it began in the opposite order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.intake.file.actions import pipeline, run
from app.intake.file.actions.store import ImportStopped
from app.kit.jobs.pace import FULL
from tests.support.citizens import join
from tests.support.files import finish, line_of, make_file, make_source, upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import AsyncClient


async def test_nothing_reads_the_file_when_it_is_closed_and_nobody_takes_over_before(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def note(where: Any, name: str) -> None:
        begin = getattr(where, name)

        @asynccontextmanager
        async def noted(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            async with begin(*arguments, **named) as begun:
                try:
                    yield begun
                finally:
                    ended.append(name)

        monkeypatch.setattr(where, name, noted)

    async def stop(*_: Any) -> None:
        raise ImportStopped

    person, source = await join(client), await make_source()
    answer = await upload(client, make_file(line_of(person)), source)
    for where, name in ((pipeline, "aside"), (run, "open_text"), (run, "try_lock")):
        note(where, name)
    monkeypatch.setattr(run, "store_chunk", stop)
    with pytest.raises(ImportStopped):
        await run.run_import(UUID(answer.json()["id"]), pace=FULL)
    assert ended == ["aside", "open_text", "try_lock"]
    monkeypatch.undo()
    assert (await finish(client, answer))["summary"]["accepted"] == 1
