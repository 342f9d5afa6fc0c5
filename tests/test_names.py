"""Names use words that have one meaning: those that had several are not used any more (CONTRIBUTING, "Words")."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"
ROOMS = sorted(path.name for path in APP.iterdir() if (path / "__init__.py").exists())
WORDS = {"told", "tell", "tells", "heed", "whoever", "stands", "kept", "known", "agreed", "former"}
SEGMENT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Names that others read, so that they stay: columns, and the fields and arguments they fill.
PUBLISHED = {"told", "told_at"}


def names_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every name a file gives to something, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def find_words(name: str) -> set[str]:
    """Return which of the words a name has."""
    return WORDS & {segment.lower() for segment in SEGMENT.findall(name)}


@pytest.mark.parametrize("room", ROOMS)
def test_names_have_no_word_with_several_meanings(room: str) -> None:
    paths = sorted((APP / room).rglob("*.py"))
    files = [path for path in paths if find_words(path.stem)]
    names = [
        f"{path.relative_to(APP)}:{line} {name}"
        for path in paths
        for line, name in names_of(ast.parse(path.read_text(encoding="utf-8")))
        if find_words(name) and name not in PUBLISHED
    ]
    assert not files + names


@pytest.mark.parametrize("room", ROOMS)
def test_a_struct_is_called_by_its_noun(room: str) -> None:
    """A row is read into the struct that is the noun; ``Row`` alone is a row of a table that people look at."""
    rows = [
        f"{path.relative_to(APP)}:{node.lineno} {node.name}"
        for path in sorted((APP / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and re.fullmatch(r".+Row", node.name)
    ]
    assert not rows


def test_the_words_are_those_of_the_glossary() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.search(r"Not used as names, for they had several meanings: \*([^*]+)\*", text)
    assert listed is not None
    assert set(re.split(r",\s+", listed[1])) | {"tells"} == WORDS


def test_words_are_found_in_both_ways_of_writing_names() -> None:
    assert find_words("GivenPerson") == find_words("score_given") == find_words("TOLD") == {"told"}
    assert find_words("unknown_code") == find_words("FormerlyNamed") == set()
