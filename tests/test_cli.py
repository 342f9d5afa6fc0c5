"""The command line lists its verbs without loading them, and no import reads a setting."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli import SCORE, Verb, VerbGroup, main

APP = Path(__file__).parents[1] / "app"
VERBS = [(group, name, verb) for group in (main, SCORE) for name, verb in group.verbs.items() if isinstance(verb, Verb)]
HEAVY = ("litestar", "asyncpg", "piccolo", "granian", "rich", "app.main", "app.settings")


@pytest.mark.parametrize(("group", "name", "verb"), VERBS, ids=[verb.place for _, _, verb in VERBS])
def test_a_verb_is_there_under_its_name_and_hidden_or_listed(group: VerbGroup, name: str, verb: Verb) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name
    assert command.hidden is not bool(verb.line)
    assert command.help


def find_commands() -> Iterator[str]:
    """Yield ``module:name`` of every command of the app that hangs in no group of its module."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                makers = {ast.unparse(one).partition("(")[0] for one in node.decorator_list}
                if makers & {"click.command", "click.group"}:
                    yield f"{'.'.join(path.relative_to(APP.parent).with_suffix('').parts)}:{node.name}"


def test_every_command_of_a_room_is_listed() -> None:
    assert sorted(verb.place for _, _, verb in VERBS) == sorted(find_commands())


def test_the_list_of_verbs_loads_none_of_them() -> None:
    code = f"""
import sys
from app.cli import main
try:
    main(["--help"])
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Run the API" in done.stdout
    assert "openapi" not in done.stdout
    assert done.stderr.strip() == "[]"


def test_no_import_reads_a_setting() -> None:
    """A setting read by an import is older than what a command line, or a test, put into the environment."""
    modules = [".".join(path.relative_to(APP.parent).with_suffix("").parts) for path in sorted(APP.rglob("*.py"))]
    code = f"""
import importlib
from app.settings import read_settings
for name in {modules!r}:
    importlib.import_module(name.removesuffix(".__init__"))
    assert read_settings.cache_info().currsize == 0, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_import_stands_in_a_function() -> None:
    inside = [
        f"{path.relative_to(APP)}:{node.lineno}"
        for path in sorted(APP.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []
