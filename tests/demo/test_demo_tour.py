"""The whole demo as a user starts it: one command, a city of its own, every scene checked."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from app.demo.actions.guide import Guide, TourFailed
from app.demo.clients import Answer

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 180
# What a city would be given from outside; a demo makes its own.
GIVEN = ("DATABASE_URL", "VALKEY_URL", "WECHAT_BASE_URL", "IDENTITY_BASE_URL", "KEY_FILE", "HUIXIN_VAR")


@pytest.fixture
def var_folder() -> Iterator[Path]:
    """Make a folder with a short path, for sockets, that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="hx-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.xdist_group("demo")
def test_the_demo_plays_every_scene_and_ends_well(var_folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo", "--once", "--citizens", "300"],
        env=environment | {"HUIXIN_VAR": str(var_folder), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 redeemed, 0 lost, 0 double" in done.stdout
    assert "还差12分" in done.stdout
    assert "✗" not in done.stdout
    page = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    assert find_scenes(page) == find_scenes(done.stdout)
    assert [said for said in find_checks(page) if said not in strip(done.stdout)] == []
    assert len(find_checks(page)) == len(find_checks(done.stdout))
    written = json.loads((var_folder / "demo.json").read_text())
    assert written["baseUrl"].startswith("http://127.0.0.1:")
    assert len(written["partners"]) == 12
    assert not any(official["username"].startswith("tour.") for official in written["officials"])


def find_scenes(text: str) -> list[str]:
    return re.findall(r"^(\d+ · .+?) ─", text, re.MULTILINE)


def find_checks(text: str) -> list[str]:
    """Return the first line of everything that was checked."""
    return [strip(line) for line in re.findall(r"^  ✓  (.+)$", text, re.MULTILINE)]


def strip(text: str) -> str:
    """Leave out what depends on the run and on the terminal: numbers and white space."""
    return re.sub(r"[\d,\s]+", "", text)


def test_the_scenes_of_the_readme_are_those_of_the_tour() -> None:
    readme, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/tour.md"))
    excerpt = readme.partition("```text\n")[2].partition("\n```")[0]
    assert len(find_scenes(excerpt)) == 2
    assert [scene for scene in re.split(r"\n\n", excerpt) if scene not in page] == []


def make_guide() -> Guide:
    return Guide(Console(file=io.StringIO(), width=60))


def test_a_guide_stops_at_the_first_thing_that_is_not_so() -> None:
    guide = make_guide()
    guide.check("成立", "it holds", holds=True)
    with pytest.raises(TourFailed) as caught:
        guide.check("不成立", "it does not hold", holds=False, saw={"score": 1})
    guide.show_failure(caught.value)
    assert guide.checks == 1
    assert caught.value.saw == {"score": 1}


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Answer(200, {}, {}), 201, None),
        (Answer(409, {"code": "stock_gone"}, {}), 409, "cap_reached"),
        (Answer(422, {"code": "stock_gone"}, {}), 409, "stock_gone"),
        (Answer(409, None, {}), 409, "stock_gone"),
    ],
)
def test_a_guide_needs_the_very_status_and_code(answer: Answer, status: int, code: str | None) -> None:
    with pytest.raises(TourFailed):
        make_guide().need(answer, status, code)


def test_a_guide_passes_on_what_it_needs() -> None:
    assert make_guide().need(Answer(201, {"id": 1}, {}), 201) == {"id": 1}
    assert make_guide().need(Answer(409, {"code": "stock_gone"}, {}), 409, "stock_gone") == {"code": "stock_gone"}


def test_a_long_line_keeps_its_indent() -> None:
    guide, out = make_guide(), io.StringIO()
    guide.console.file = out
    guide.say("这句话很长，" * 12, "and this one is long, too, " * 8)
    assert all(line.startswith(" ") for line in out.getvalue().splitlines())
