"""The house holds: order inside each room, doors between rooms, pure rules, SQL and litestar in their places, sizes.

Floors, the order of kinds and who may import what from outside are import-linter's (pyproject.toml); here stands what
it cannot say, and that it looks at every room.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

APP = Path(__file__).parents[1] / "app"
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
NOT_ROOMS = {"main", "cli", "worker", "verify", "kit", "sandbox", "settings", "piccolo_app", "piccolo_conf", "values"}
ROOMS = sorted(path.name for path in APP.iterdir() if (path / "__init__.py").exists() and path.name not in NOT_ROOMS)
DOORS = {"actions", "rules", "tables"}
TOP_FLOOR = {"app.main", "app.cli", "app.worker", "app.verify"}

# Which kinds of file of the same room a kind may lean on; a kind may always be split: rules_grant is a rules file.
LEANS_ON = {
    "routes": {"routes", "actions", "refusals", "queries", "schemas", "rules"},
    "schemas": {"schemas", "rules"},
    "actions": {"actions", "refusals", "queries", "rules", "clients"},
    "refusals": {"refusals", "rules"},
    "queries": {"queries", "tables", "rules"},
    "clients": {"clients", "refusals", "rules"},
    "tables": {"tables"},
    "rules": {"rules"},
}
# Which parts of the kit a kind of file may use; a kind not listed may use all of it.
KIT_OF = {
    "rules": set[str](),
    "tables": set[str](),
    "schemas": {"http", "paging", "auth"},
    "queries": {"database", "group_commit", "auth"},  # a coalesced read is still one statement
    "refusals": {"errors"},
}
PURE = {"msgspec", "cryptography", "qrcode"}  # ciphers and pictures are arithmetic too
PURE_STANDARD = {
    "__future__", "base64", "bisect", "collections", "csv", "dataclasses", "datetime", "decimal", "enum", "functools",
    "hashlib", "hmac", "importlib", "io", "itertools", "math", "operator", "pathlib", "re", "struct", "typing",
    "unicodedata", "uuid",
}  # fmt: skip
SQL = re.compile(r"^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET|DELETE FROM\s|WITH\s+\w+\s+AS)", re.IGNORECASE)
ACTIONS_MAY_TAKE = {"transaction", "is_in_transaction"}
# Whatever begins something that goes on beside its caller. What lives long is begun by ``kit.background``, which logs,
# goes on, and says when it has ended. Here stands why each other place needs none of that.
BEGINS = {"create_task", "ensure_future", "TaskGroup", "Thread", "Timer", "Popen", "call_later", "call_at",
          "run_coroutine_threadsafe", "ThreadPoolExecutor", "ProcessPoolExecutor", "start_soon"}  # fmt: skip
MAY_BEGIN = {
    ("kit/background.py", "create_task"): "the supervisor itself",
    ("kit/background.py", "Thread"): "the supervisor itself",
    ("kit/surroundings.py", "Popen"): "a process that is kept up",
    ("kit/embedded.py", "Popen"): "a server that is kept up",
    ("kit/group_commit.py", "create_task"): "a lane ends with its queue, and tells everybody in it whatever happens",
    ("kit/jobs.py", "create_task"): "the round of a supervised task awaits it, and raises what it raised",
    ("kit/jobs.py", "ensure_future"): "one job, awaited by who runs it",
    ("kit/aside.py", "ThreadPoolExecutor"): "each call is awaited by its caller",
    ("kit/aside.py", "ProcessPoolExecutor"): "each call is awaited by its caller",
    ("kit/connections.py", "call_later"): "the look logs whatever fails and is asked for again in a finally",
    ("kit/connections.py", "create_task"): "a stop, which ends the server whatever fails",
    ("kit/patience.py", "call_at"): "a look that is asked for again by whoever waits next",
    ("kit/status.py", "call_later"): "counts once, and the next request asks for it again",
    ("official/actions_session.py", "call_later"): "gives a place back, which cannot fail",
    ("intake/actions_pipeline.py", "create_task"): "the next block, awaited by the import",
    ("intake/actions_workbook.py", "run_coroutine_threadsafe"): "awaited in the thread that asked for it",
    ("score/actions_prepare.py", "TaskGroup"): "ranges of one preparation, awaited by it",
    ("demo/actions.py", "TaskGroup"): "the demo awaits it",
    ("demo/actions_people.py", "TaskGroup"): "the demo awaits it",
    ("demo/actions_tour_race.py", "create_task"): "the demo awaits it",
    ("demo/main.py", "Popen"): "the demo ends when it does",
}
NO_ROOM_FILES = {"demo"}  # a demo is not served: it plays the API from outside


def files_of(*rooms: str) -> list[Path]:
    """Return the Python files of rooms."""
    return [path for room in rooms for path in sorted((APP / room).rglob("*.py"))]


def kind_of(name: str) -> str:
    """Return what a file is: ``routes_citizen`` is routes."""
    return name.partition("_")[0]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every file of the app, parsed."""
    for path in sorted(APP.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def contract(name: str) -> dict[str, list[str]]:
    """Return the import-linter contract whose name begins so."""
    linter = tomllib.loads((APP.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    found: dict[str, list[str]] = next(one for one in linter["contracts"] if one["name"].startswith(name))
    return found


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", include_external_packages=True, cache_dir=None)


def find_imports(graph: grimp.ImportGraph) -> Iterator[tuple[list[str], list[str]]]:
    """Yield (importer, imported) inside the app, split at the dots."""
    for module in sorted(graph.modules):
        if module.startswith("app."):
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                yield module.split("."), imported.split(".")


def test_import_linter_looks_at_every_room() -> None:
    rooms = set(ROOMS) - NO_ROOM_FILES
    assert set(contract("Order inside a room")["containers"]) == {f"app.{room}" for room in rooms}
    pure = {f"app.*.{path.stem}" for path in files_of(*rooms) if kind_of(path.stem) == "rules"}
    assert set(contract("Rules are pure")["source_modules"]) == pure
    at_the_edge = {f"app.*.{path.stem}" for path in files_of(*rooms) if kind_of(path.stem) == "routes"}
    allowed = contract("The web framework stays at the edge")["allowed_importers"]
    assert set(allowed) == at_the_edge | {"app.main", "app.kit", "app.sandbox"}


def test_rooms_are_entered_by_their_doors(graph: grimp.ImportGraph) -> None:
    climbed = [
        f"{'.'.join(importer)} climbs in through {'.'.join(imported)}"
        for importer, imported in find_imports(graph)
        if imported[0] == "app" and imported[1:2] and imported[1] in ROOMS and imported[1] != importer[1]
        and ".".join(importer) not in TOP_FLOOR and kind_of(imported[-1]) not in DOORS
    ]  # fmt: skip
    assert not climbed


def test_rules_lean_on_lower_rooms_rules_only(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{'.'.join(importer)} leans on {'.'.join(imported)}"
        for importer, imported in find_imports(graph)
        if importer[1] in ROOMS and kind_of(importer[-1]) in {"rules", "schemas", "queries"} and imported[0] == "app"
        and imported[1] in ROOMS and imported[1] != importer[1]
        and kind_of(imported[-1]) not in {"rules"} | ({"tables"} if kind_of(importer[-1]) == "queries" else set())
    ]  # fmt: skip
    assert not wrong


def test_files_of_a_room_lean_on_each_other_in_order(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{'.'.join(importer)} leans on {'.'.join(imported)}"
        for importer, imported in find_imports(graph)
        if importer[1] in ROOMS and importer[1] not in NO_ROOM_FILES and imported[:2] == importer[:2]
        and len(imported) > 2 and kind_of(imported[2]) not in LEANS_ON.get(kind_of(importer[2]), set())
    ]  # fmt: skip
    assert not wrong


def test_files_take_from_the_kit_what_their_kind_may(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{'.'.join(importer)} uses {'.'.join(imported)}"
        for importer, imported in find_imports(graph)
        if importer[1] in ROOMS and imported[:2] == ["app", "kit"] and len(importer) > 2
        and imported[2] not in KIT_OF.get(kind_of(importer[2]), {imported[2]})
    ]  # fmt: skip
    assert not wrong


def test_rooms_hold_only_files_of_known_kinds() -> None:
    strange = [
        str(path.relative_to(APP))
        for path in files_of(*(room for room in ROOMS if room not in NO_ROOM_FILES))
        if path.stem != "__init__" and kind_of(path.stem) not in LEANS_ON
    ]
    assert not strange


def test_rules_are_pure() -> None:
    impure = []
    for path in files_of(*(room for room in ROOMS if room not in NO_ROOM_FILES)):
        if kind_of(path.stem) == "rules":
            for name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
                top = name.split(".")[0]
                if top not in PURE | PURE_STANDARD | {"app"}:
                    impure.append(f"{path.relative_to(APP)} imports {name}")
    assert not impure


def test_values_are_pure() -> None:
    impure = [
        f"{path.name} imports {name}"
        for path in files_of("values")
        for name in imported_names(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] not in PURE_STANDARD and not name.startswith("app.values")
    ]
    assert not impure


@pytest.mark.parametrize("call", ["datetime.now", "date.today", "time.time", "time.monotonic", "random."])
def test_rules_read_no_clock(call: str) -> None:
    reading = [
        str(path.relative_to(APP))
        for path in files_of(*ROOMS)
        if kind_of(path.stem) == "rules" and call + "(" in path.read_text(encoding="utf-8")
    ]
    assert not reading


def test_litestar_stays_at_the_edge(graph: grimp.ImportGraph) -> None:
    wrong = [
        ".".join(importer)
        for importer, imported in find_imports(graph)
        if imported[0] == "litestar" and importer[1] not in {"main", "kit", "sandbox"}
        and kind_of(importer[-1]) != "routes"
    ]  # fmt: skip
    assert not wrong


def test_sql_is_written_in_queries_only() -> None:
    wrong: list[str] = []
    for path, tree in trees():
        room = path.relative_to(APP).parts[0]
        if room == "kit" or room in NO_ROOM_FILES or kind_of(path.stem) in {"queries", "tables"}:
            continue
        wrong.extend(
            f"{path.relative_to(APP)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
        )
    assert not wrong


def test_actions_open_transactions_and_ask_nothing_themselves() -> None:
    wrong = []
    for path in files_of(*(room for room in ROOMS if room not in NO_ROOM_FILES)):
        if kind_of(path.stem) != "queries":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "app.kit.db.database":
                    taken = {alias.name for alias in node.names} - ACTIONS_MAY_TAKE
                    if taken or kind_of(path.stem) != "actions":
                        wrong.append(f"{path.relative_to(APP)} takes {taken or 'transactions'}")
    assert not wrong


def test_what_lives_long_is_begun_by_its_supervisor() -> None:
    """Anything else may die without a word, and what it kept fresh is then old for ever."""
    begun = set()
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                of_group = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "tasks"
                if name in BEGINS and not of_group:  # what a TaskGroup begins, it awaits
                    begun.add((str(path.relative_to(APP)), name))
    assert begun == set(MAY_BEGIN), "use kit.background, or say here why it needs no supervisor"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is(room: str) -> None:
    docstring = ast.get_docstring(ast.parse((APP / room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None
    assert 3 <= len(docstring.splitlines()) <= 15


def test_files_and_functions_are_small() -> None:
    large = []
    for path, tree in trees():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            large.append(f"{path.relative_to(APP)} has {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    large.append(f"{path.relative_to(APP)}:{node.lineno} {node.name} has {length} lines")
    assert not large


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
