"""Names: one word has one meaning (CONTRIBUTING, "Words"), and a row is called by the noun it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[1] / "app"
# Each had several meanings: CONTRIBUTING says by which words they are replaced.
NOT_USED = {"told", "tell", "tells", "heed", "whoever", "stands", "kept", "known", "agreed", "former"}
# A field is named like the column it is stored in.
COLUMNS = {"told": "of access_log", "told_at": "of rule_book_preview_told"}
# Names that others read: they stay.
PUBLISHED = {"Row": "of a table in a preview, in the OpenAPI", "is_kept": "of a row in quarantine, in the OpenAPI"}
# What is a row to people, too: a line of somebody's file.
ROWS_OF_FILES = ("intake/file/", "intake/reading/")


def names_defined_in(tree: ast.Module) -> Iterator[str]:
    """Yield every name that a file gives to something of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(name: str) -> set[str]:
    """Return the words of a name: of ``find_scan``, ``SCAN_LIMIT`` or ``ScannedPerson``."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_a_name_is_read_word_by_word() -> None:
    assert words_of("IMPORTS_TOLD_MAX") == {"imports", "told", "max"}
    assert words_of("_ToldPerson") == {"told", "person"}
    assert words_of("was_told2") == {"was", "told"}


def test_names_are_plain_words() -> None:
    wrong = set()
    for path in sorted(APP.rglob("*.py")):
        place = path.relative_to(APP).as_posix()
        for name in names_defined_in(ast.parse(path.read_text(encoding="utf-8"))):
            is_row = name.endswith("Row") and not place.startswith(ROWS_OF_FILES)
            if name not in COLUMNS | PUBLISHED and (words_of(name) & NOT_USED or is_row):
                wrong.add(f"{place}: {name}")
    assert not wrong
