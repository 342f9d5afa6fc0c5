"""The README's table of settings is the settings; nothing committed names a place that only its author knows."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from app.cli import Verb, main
from app.kit.process.surroundings import NEEDED_IN_PRODUCTION
from app.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `([A-Z_]+)`( ●| ◆)? \| (?:`([^`]*)`)? ?\| (.+) \|$", re.MULTILINE)
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = {name: (default, mark.strip()) for name, mark, default, _ in ROW.findall(README)}
OF_COMPOSE = {name for name, (_, mark) in ROWS.items() if mark == "◆"}
TABLE = {name: (default, mark == "●") for name, (default, mark) in ROWS.items() if name not in OF_COMPOSE}
# Put together, so that this file does not name them itself.
IGNORED = {".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())}
ELSEWHERE = re.compile("|".join(("py" + "pi\\.o", "python" + "hosted", "registry\\.npm" + "js", "deb\\.deb" + "ian")))


def test_the_table_of_settings_is_the_settings() -> None:
    fields = {field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    assert set(TABLE) == {*fields, "HUIXIN_VAR"}
    assert {name: str(field.default) for name, field in fields.items()} == {
        name: default for name, (default, _) in TABLE.items() if name in fields
    }
    assert {name for name, (_, is_needed) in TABLE.items() if is_needed} == set(NEEDED_IN_PRODUCTION)


@pytest.mark.parametrize("path", ["compose.yaml"])
def test_the_composition_gives_production_what_it_needs(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert [name for name in NEEDED_IN_PRODUCTION if f"{name}: " not in text] == []
    named = set(re.findall(r"^    ([A-Z_]+): ", text, re.MULTILINE))
    assert named <= set(TABLE)
    asked = set(re.findall(r"\$\{([A-Z_]+):\?\}", text))
    assert asked - set(TABLE) == OF_COMPOSE, "the README says what the composition asks for"
    assert set(re.findall(r"\$\{([A-Z_]+):-", text)) <= set(TABLE)


def test_the_newcomers_page_says_what_every_file_of_the_kit_is() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = contributing.partition("### The kit\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    folders = {path.parent.name for path in (ROOT / "app" / "kit").rglob("*.py")} - {"kit"}
    files = {path.stem for path in (ROOT / "app" / "kit").rglob("*.py")} - {"__init__"}
    assert named == files | folders


def test_every_command_of_the_readme_exists_and_every_one_that_is_listed_is_there() -> None:
    named = set(re.findall(r"(?:`|bin/)huixin ([a-z]+)", README))
    listed = {name for name, verb in main.verbs.items() if not isinstance(verb, Verb) or verb.line}
    assert listed <= named <= set(main.verbs)


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({"WORKERS": "many"}, "workers"),
        ({"ENVIRONMENT": "staging"}, "environment"),
        ({"LOG_LEVEL": "loud"}, "log_level"),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], wrong: str) -> None:
    with pytest.raises(SystemExit) as refused:
        load_settings(environment)
    assert f"$.{wrong}" in str(refused.value)


def test_no_committed_file_names_a_registry() -> None:
    ours = [path for path in ROOT.rglob("*") if path.is_file() and not IGNORED & {*path.relative_to(ROOT).parts}]
    assert ROOT / "requirements.txt" in ours
    naming = [path for path in ours if ELSEWHERE.search(path.read_text(encoding="utf-8", errors="ignore"))]
    assert naming == []
