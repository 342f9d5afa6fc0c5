"""``docs/one-csv-row.md`` is the way a row goes: a file of one row is imported, and its functions are noted."""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.citizens import join
from tests.support.files import finish, line_of, make_file, make_source, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from httpx2 import AsyncClient

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "one-csv-row.md"
STATION = re.compile(r"^ *[-\d.]+ `(app/[\w/]+\.\w+)`(?: `([\w.]+)`)?", re.MULTILINE)


@contextmanager
def noted_calls() -> Iterator[list[tuple[str, str]]]:
    """Note the functions of the application that are entered in this thread and in those it starts, each once."""
    noted: dict[tuple[str, str], None] = {}
    app = f"{ROOT}/app/"

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(app):
            noted.setdefault((code.co_filename.removeprefix(f"{ROOT}/"), code.co_qualname))

    calls: list[tuple[str, str]] = []
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        calls.extend(noted)


async def test_the_page_names_the_places_a_row_passes_in_their_order(client: AsyncClient) -> None:
    person, source = await join(client), await make_source()
    with noted_calls() as calls:
        shown = await finish(client, await upload(client, make_file(line_of(person)), source))
    assert shown["summary"]["accepted"] == 1
    stations = STATION.findall(PAGE.read_text(encoding="utf-8"))
    functions = [(file, name) for file, name in stations if name]
    assert [one for one in calls if one in set(functions)] == functions
    assert all((ROOT / file).exists() for file, _ in stations)
