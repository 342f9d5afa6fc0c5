"""The decisions are one file each, their index is what they are; what they and CONTRIBUTING name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "decisions"
PARTS = ["Context", "Decision", "Consequences", "Enforced"]
ROW = re.compile(r"^\| (\d+) \| \[(.+?)\]\((.+?)\) \| (.+) \|$", re.MULTILINE)
PATH = re.compile(r"(?=.*(?:/|\.(?:py|sql|csv|toml)$))[\w.*-]+(?:/[\w.*-]+)*")
MODULE = re.compile(r"[a-z_]+(?:\.[A-Za-z_]+)+(?:\(\))?")
DECISIONS = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("[0-9]*.md"))}
# What an "Enforced" line may name besides files and modules: constraints, contracts, codes of refusals.
DECLARING = [*ROOT.glob("migrations/*.py"), ROOT / "pyproject.toml", ROOT / "openapi" / "refusals.md"]
DECLARED = "".join(path.read_text(encoding="utf-8") for path in DECLARING)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# The room and the migration that a reader is yet to write, and what a city makes while it runs.
PLACEHOLDER = re.compile(r".*(?:parcel|NNNN)|var/")
OURS = ("app", "docs", "migrations", "openapi", "tests")
PAGES = [Path(page) for page in ("README.md", "CONTRIBUTING.md", "docs/tour.md", "docs/decisions/README.md")]


def read_title(text: str) -> tuple[str, str]:
    number, _, title = text.partition("\n")[0].removeprefix("# ").partition(". ")
    return number, title


def find_named(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def is_there(name: str) -> bool:
    """Whether ``kit.db.lock`` is a module of ours, and ``kit.db.lock.take`` a word in one."""
    parts = name.removesuffix("()").split(".")
    for count in range(len(parts), 0, -1):
        module = ROOT.joinpath("app", *parts[:count])
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            if file.exists():
                text = file.read_text(encoding="utf-8")
                return all(re.search(rf"\b{part}\b", text) for part in parts[count:])
    return False


def test_the_index_is_the_decisions_in_their_order() -> None:
    rows = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert [row[:3] for row in rows] == [(*read_title(text), path.name) for path, text in DECISIONS.items()]
    assert [int(number) for number, *_ in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_is_called_by_its_title_and_has_its_parts(path: Path) -> None:
    number, title = read_title(DECISIONS[path])
    words = re.sub(r" \(.*\)$", "", title).replace("'", "").lower()
    assert path.stem == f"{int(number):04}-{re.sub(r'[^a-z0-9]+', '-', words)}"
    assert re.findall(r"^\*\*(\w+)\.\*\* ", DECISIONS[path], re.MULTILINE) == PARTS


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_what_a_decision_names_is_there(path: Path) -> None:
    """Files from the root, from ``app`` or beside the one named before; modules; what is declared."""
    beside, missing = ROOT, []
    for name in find_named(DECISIONS[path]):
        if PATH.fullmatch(name):
            found = [one for base in (ROOT, ROOT / "app", beside) for one in base.glob(name)]
            missing += [] if found else [name]
            beside = found[0].parent if found else beside
        elif MODULE.fullmatch(name) and (ROOT / "app" / name.split(".")[0]).is_dir():
            missing += [] if is_there(name) or name.endswith(".v1") else [name]
    enforced = DECISIONS[path].rpartition("**Enforced.**")[2]
    missing += [
        name for name in find_named(enforced) if re.fullmatch(r"[a-z]+(_[a-z]+)+", name) and name not in DECLARED
    ]
    assert missing == []


def test_what_the_newcomers_page_names_is_there() -> None:
    """Files and folders from the root, or by the end of their path; modules."""
    ours = [f"/{path.relative_to(ROOT).as_posix()}" for name in OURS for path in (ROOT / name).rglob("*")]
    ours += [f"/{path.name}" for path in ROOT.iterdir()]
    text = FENCED.sub("", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    named = {name.rstrip("/") for name in find_named(text) if PATH.fullmatch(name.rstrip("/") if "." in name else name)}
    named = {name for name in named if not PLACEHOLDER.match(name)}
    assert {"points_each.sql", "tests/score/engine/oracle.py", "score/engine", "app/score/book/check.py"} <= named
    assert sorted(name for name in named if not any(path.endswith(f"/{name}") for path in ours)) == []
    modules = {
        name for name in find_named(text) if MODULE.fullmatch(name) and (ROOT / "app" / name.split(".")[0]).is_dir()
    }
    assert "kit.db.rows" in modules
    assert sorted(name for name in modules if not is_there(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
