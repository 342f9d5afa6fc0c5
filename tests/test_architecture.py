"""The house holds: what a file may lean on follows from its path, and nobody keeps a list of files.

A module's *kind* is the first of ``KINDS`` on its path below its room: ``app/intake/file/actions/run.py`` is actions,
``app/score/book/check.py`` bears no kind and is pure. Floors, circles and who may touch the web framework, the database
and other services are import-linter's (pyproject.toml); here stands what it cannot say.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.support.floors import read_floors, read_owners

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"
FILE_LINES_MAX = 400
FILE_LINES_MEDIAN_MAX = 120
FUNCTION_LINES_MAX = 50
FOLDER_FILES_MAX = 15
NOT_ROOMS = {"main", "cli", "worker", "verify", "kit", "sandbox", "settings", "piccolo_app", "piccolo_conf", "values"}
ROOMS = sorted(path.name for path in APP.iterdir() if (path / "__init__.py").exists() and path.name not in NOT_ROOMS)
PLAYS_FROM_OUTSIDE = {"demo", "town"}  # they are not served: they play the API, or make a city to measure on

KINDS = ("routes", "schemas", "views", "actions", "refusals", "queries", "clients", "tables", "commands")
PURE = "pure"
# Which kinds of module of the same room a kind may lean on.
LEANS_ON = {
    "routes": {"routes", "actions", "refusals", "queries", "schemas", "views", PURE},
    "schemas": {"schemas", PURE},
    "views": {"views", "schemas", "queries", PURE},  # of queries the rows alone, which they show
    "actions": {"actions", "refusals", "queries", "clients", PURE},
    "refusals": {"refusals", PURE},
    "queries": {"queries", "tables", PURE},
    "clients": {"clients", "refusals", PURE},
    "tables": {"tables"},
    "commands": {"commands", "actions", "queries", "clients", PURE},
    PURE: {PURE},
}
# Which kinds of another room: its doors are use cases, ways to say no, tables for keys, and what is pure.
DOORS_OF = {
    "routes": {"actions", "refusals", PURE},
    "actions": {"actions", "refusals", PURE},
    "commands": {"actions", PURE},
    "queries": {"tables", PURE},
    "tables": {"tables"},
}
# Which parts of the kit a kind may use; a kind that is not listed may use all of it.
KIT_OF = {
    PURE: set[str](),
    "tables": {"db.pieces"},
    "schemas": {"web.http", "web.paging"},
    "views": {"web.http", "web.show"},
    # A coalesced read is still one statement.
    "queries": {"db.database", "db.rows", "db.group_commit", "security.auth"},
    "refusals": {"errors"},
    "clients": {"outside.ask", "clock"},
}
PURE_LIBRARIES = {"msgspec", "cryptography", "qrcode"}  # ciphers and pictures are arithmetic too
PURE_STANDARD = {
    "__future__", "base64", "bisect", "collections", "csv", "dataclasses", "datetime", "decimal", "enum", "functools",
    "hashlib", "hmac", "importlib", "io", "itertools", "math", "operator", "pathlib", "re", "struct", "typing",
    "unicodedata", "uuid",
}  # fmt: skip
PURE_OF_A_SEED = {"town": {"random"}}  # dice that fall the same way every time
CLOCKS = ("datetime.now(", "date.today(", "time.time(", "time.monotonic(", "random.random(")
SQL = re.compile(r"^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET|DELETE FROM\s|WITH\s+\w+\s+AS)", re.IGNORECASE)
TABLES_NAMED = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING)\s+(?:ONLY\s+)?([a-z_]+(?:(?:\s+[a-z]\w*)?,\s*[a-z_]+)*)"
)
SLEEPS = r"\bsleep\s*\("  # in a program or a statement, too
WRITTEN_BY_ALL = {"event", "access_log"}  # whatever happens and whoever looks is written down in the same statement
ACTIONS_MAY_TAKE = {"transaction", "is_in_transaction"}
# Whatever begins something that goes on beside its caller. What lives long is begun by ``kit.background``, which logs,
# goes on, and says when it has ended. Here stands why each other place needs none of that.
BEGINS = {"create_task", "ensure_future", "TaskGroup", "Thread", "Timer", "Popen", "call_later", "call_at",
          "run_coroutine_threadsafe", "ThreadPoolExecutor", "ProcessPoolExecutor", "start_soon"}  # fmt: skip
MAY_BEGIN = {
    ("kit/background.py", "create_task"): "the supervisor itself",
    ("kit/background.py", "Thread"): "the supervisor itself",
    ("kit/process/surroundings.py", "Popen"): "a process that is kept up",
    ("kit/process/embedded.py", "Popen"): "a server that is kept up",
    ("kit/db/group_commit.py", "create_task"): "a lane ends with its queue, and tells everybody in it whatever happens",
    ("kit/jobs/jobs.py", "create_task"): "the round of a supervised task awaits it, and raises what it raised",
    ("kit/jobs/jobs.py", "ensure_future"): "one job, awaited by who runs it",
    ("kit/jobs/aside.py", "ThreadPoolExecutor"): "each call is awaited by its caller",
    ("kit/jobs/aside.py", "ProcessPoolExecutor"): "each call is awaited by its caller",
    ("kit/process/connections.py", "call_later"): "the look logs whatever fails and is asked for again in a finally",
    ("kit/process/connections.py", "create_task"): "a stop, which ends the server whatever fails",
    ("kit/patience.py", "call_at"): "a look that is asked for again by whoever waits next",
    ("official/actions/session.py", "call_later"): "gives a place back, which cannot fail",
    ("intake/file/actions/pipeline.py", "create_task"): "the next block, awaited by the import",
    ("intake/file/actions/workbook.py", "run_coroutine_threadsafe"): "awaited in the thread that asked for it",
    ("score/city/actions/prepare.py", "TaskGroup"): "ranges of one preparation, awaited by it",
    ("town/city/actions/make.py", "TaskGroup"): "the demo awaits it",
    ("town/people/actions/move_in.py", "TaskGroup"): "the demo awaits it",
    ("demo/actions/scene_race.py", "create_task"): "the demo awaits it",
    ("demo/commands.py", "Popen"): "the demo ends when it does",
}
# An async generator that its reader leaves in the middle ends some time later, unless its reader closes it:
# ``async with aclosing(…) as name``. Here stands why each other place need not.
MAY_LEAVE = {
    ("kit/outside/ask.py", "answer.aiter_raw()"): "closed with the answer it reads",
    ("intake/file/actions/upload.py", "blocks"): "the request's body, which holds nothing",
    ("intake/file/actions/quarantine.py", "pages"): "one statement a page, and nothing held between two",
    ("intake/file/commands.py", "lines"): "one statement a page, and nothing held between two",
}
# What the application keeps without using it itself: what a test holds it to.
PROMISES = {
    "app.intake.reading.format.HEAD_BYTES": "so much of a file its callers bring along",
    "app.notice.actions.send.CALLS_MAX": "so many calls fit into the lease of a notice",
    "app.town.people.names.list_births": "when the people of a block were born, before their names are drawn",
}


def kind_of(module: str) -> str:
    """Return what a module is, from its path: ``app.intake.file.actions.run`` is actions."""
    return next((part for part in module.split(".")[2:] if part in KINDS), PURE)


def module_of(path: Path) -> str:
    """Return a file's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_first_page(path: Path) -> bool:
    """Whether a file is the ``__init__`` of a room, a subject or a kind, and so says what it is and no more."""
    return path.name == "__init__.py"


def files_of(*rooms: str) -> list[Path]:
    """Return the Python files of rooms."""
    return [path for room in rooms for path in sorted((APP / room).rglob("*.py"))]


def parse(path: Path) -> ast.Module:
    """Return a file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every file of the app, parsed."""
    for path in sorted(APP.rglob("*.py")):
        yield path, parse(path)


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", include_external_packages=True, cache_dir=None)


def find_imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str, str, str]]:
    """Yield (importer, its room, imported, its room) inside the app."""
    for module in sorted(graph.modules):
        if module.startswith("app."):
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                parts = imported.split(".")
                if parts[0] == "app" and len(parts) > 1:
                    yield module, module.split(".")[1], imported, parts[1]


def test_modules_of_a_room_lean_on_each_other_in_order(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} leans on {imported}"
        for importer, room, imported, its_room in find_imports(graph)
        if room in ROOMS and its_room == room and kind_of(imported) not in LEANS_ON[kind_of(importer)]
    ]
    assert not wrong


def test_rooms_are_entered_by_their_doors(graph: grimp.ImportGraph) -> None:
    climbed = [
        f"{importer} climbs in through {imported}"
        for importer, room, imported, its_room in find_imports(graph)
        if room in ROOMS and its_room in ROOMS and its_room != room
        and kind_of(imported) not in DOORS_OF.get(kind_of(importer), {PURE})
    ]  # fmt: skip
    assert not climbed


def test_modules_take_from_the_kit_what_their_kind_may(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} uses {imported}"
        for importer, room, imported, its_room in find_imports(graph)
        if room in ROOMS and its_room == "kit"
        and (part := imported.removeprefix("app.kit.")) not in KIT_OF.get(kind_of(importer), {part})
    ]  # fmt: skip
    assert not wrong


def test_what_bears_no_kind_is_pure() -> None:
    impure = []
    for path in files_of(*ROOMS, "values"):
        module = module_of(path)
        room = module.split(".")[1]
        if kind_of(module) == PURE:
            libraries = {"msgspec"} if room == "values" else PURE_LIBRARIES
            allowed = PURE_STANDARD | PURE_OF_A_SEED.get(room, set()) | libraries
            impure += [
                f"{module} imports {name}"
                for name in imported_names(parse(path))
                if name.split(".")[0] not in allowed
                and not name.startswith(("app.values", "app.sandbox.answers"))
                and not (room != "values" and name.split(".")[1:2] and name.split(".")[1] in ROOMS)
            ]
    assert not impure


def test_what_is_pure_reads_no_clock() -> None:
    reading = [
        f"{module_of(path)} says {clock}"
        for path in files_of(*ROOMS, "values")
        if kind_of(module_of(path)) == PURE
        for clock in CLOCKS
        if clock in path.read_text(encoding="utf-8")
    ]
    assert not reading


def test_sql_is_written_in_queries_only() -> None:
    wrong: list[str] = []
    for path, tree in trees():
        module = module_of(path)
        if module.split(".")[1:2] == ["kit"] or kind_of(module) in {"queries", "tables"}:
            continue
        wrong.extend(
            f"{module}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
        )
    assert not wrong


def statements_of(room: str) -> Iterator[tuple[str, str]]:
    """Yield a room's statements, each with where it stands."""
    for path in sorted((APP / room).rglob("*.sql")):
        yield str(path.relative_to(APP)), re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    for path in files_of(room):
        if kind_of(module_of(path)) == "queries":
            for node in ast.walk(parse(path)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield f"{path.relative_to(APP)}:{node.lineno}", node.value


@pytest.mark.parametrize("room", ROOMS)
def test_a_statement_names_tables_of_its_own_or_lower_rooms(room: str) -> None:
    """What leans on a table leans on its room, whatever the imports say."""
    owners, floor_of = {name: rooms[0] for name, rooms in read_owners().items()}, read_floors()
    wrong = set()
    for place, text in statements_of(room):
        for named in TABLES_NAMED.findall(text):
            for name in (one.split()[0] for one in named.split(",")):
                owner = owners.get(name, room)
                if owner != room and floor_of[owner] <= floor_of[room] and name not in WRITTEN_BY_ALL:
                    wrong.add(f"{place} names {name} of {owner}")
    assert not wrong


def test_the_size_of_a_page_is_a_parameter() -> None:
    """Written into a statement's text it would make of each size another prepared statement: see ``kit.db.rows``."""
    written = [
        f"{path.relative_to(APP)}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "limit"
        if not all(isinstance(argument, ast.Constant) for argument in node.args)
    ]
    assert not written


def test_actions_open_transactions_and_ask_nothing_themselves() -> None:
    wrong = []
    for path in files_of(*(room for room in ROOMS if room not in PLAYS_FROM_OUTSIDE)):
        kind = kind_of(module_of(path))
        if kind not in {"queries", "commands"}:
            for node in ast.walk(parse(path)):
                if isinstance(node, ast.ImportFrom) and node.module == "app.kit.db.database":
                    taken = {alias.name for alias in node.names} - ACTIONS_MAY_TAKE
                    if taken or kind != "actions":
                        wrong.append(f"{module_of(path)} takes {taken or 'transactions'}")
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
def test_a_room_and_its_subjects_say_what_they_are(room: str) -> None:
    pages = [path for path in files_of(room) if is_first_page(path)]
    for page in pages:
        docstring = ast.get_docstring(parse(page))
        assert docstring is not None, page
        assert (3 if page.parent.name == room else 1) <= len(docstring.splitlines()) <= 15, page
    folders = {path.parent for path in files_of(room)}
    assert folders == {page.parent for page in pages}


def test_files_functions_and_folders_are_small() -> None:
    large, lengths = [], []
    for path, tree in trees():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        lengths.append(lines)
        if lines > FILE_LINES_MAX:
            large.append(f"{path.relative_to(APP)} has {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    large.append(f"{path.relative_to(APP)}:{node.lineno} {node.name} has {length} lines")
    files = Counter(path.parent for path in APP.rglob("*.py") if not is_first_page(path))
    large += [f"{folder} has {count} files" for folder, count in files.items() if count > FOLDER_FILES_MAX]
    assert not large
    assert statistics.median(lengths) <= FILE_LINES_MEDIAN_MAX


def names_in(node: ast.AST) -> Counter[str]:
    """Count the names a piece of code uses; a text that is a name may be looked up by it."""
    found: Counter[str] = Counter()
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Store):
            found[one.id] += 1
        elif isinstance(one, ast.Attribute):
            found[one.attr] += 1
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            for name in re.findall(r"[A-Za-z_]\w*", one.value) if one.value.isascii() and len(one.value) < 80 else ():
                found[name] += 1
    return found


def defined_by(node: ast.stmt) -> set[str]:
    """Return the names a statement at the top of a module defines; what a decorator registers is used by that."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        registered = any(isinstance(one, ast.Call) for one in node.decorator_list)
        return set() if registered else {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}  # one of several counts as used with them


def find_left(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what a file reads by ``async for`` and does not close by ``aclosing``."""
    closed = set()
    for node in ast.walk(parse(path)):
        for item in node.items if isinstance(node, ast.AsyncWith) else ():
            if isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func).endswith("aclosing"):
                closed |= {ast.unparse(one) for one in (item.optional_vars, *item.context_expr.args) if one is not None}
    for node in ast.walk(parse(path)):
        for one in (node, *getattr(node, "generators", ())):
            is_async = isinstance(one, ast.AsyncFor) or (isinstance(one, ast.comprehension) and one.is_async)
            if is_async and ast.unparse(one.iter) not in closed:
                yield str(path.relative_to(APP)), ast.unparse(one.iter)


def test_an_async_generator_is_closed_by_its_reader() -> None:
    assert {left for path in sorted(APP.rglob("*.py")) for left in find_left(path)} == set(MAY_LEAVE)


def test_no_name_is_there_for_tests_alone() -> None:
    """What the application does not use is no part of it: a test's helper lives with the tests."""
    used: Counter[str] = Counter()
    for folder in ("app", "load_tests", "migrations"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            used += names_in(parse(path))
    idle = []
    for path, tree in trees():
        if kind_of(module_of(path)) == "tables" or path.parent == APP:
            continue  # a table says what migrations made; the top floor is run by name
        for node in tree.body:
            own = names_in(node)
            idle += [f"{module_of(path)}.{name}" for name in sorted(defined_by(node)) if used[name] <= own[name]]
    assert set(idle) == set(PROMISES)


def test_no_test_sleeps() -> None:
    """A test waits for what it wants to see; how that is done stands in one file, between two looks."""
    wrong = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path == ROOT / "tests/support/waiting.py":
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "sleep":
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} sleeps")
            if isinstance(node, ast.Constant) and re.search(SLEEPS, str(node.value)):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} has something else sleep")
    assert not wrong, "wait with tests/support/waiting.py, or hold what must not be over too soon"
