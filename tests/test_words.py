"""Words that others read from what is stored are closed lists: literals, published, and all that is written.

``tests/support/words.py`` holds a whole run of the suite to them.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.consent.actions import insert_access, insert_access_once
from app.consent.purposes import ACCESS_ACTIONS, AccessAction, NewAccess
from app.duties import JOBS
from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, EventType, NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.main import WORDS
from app.values.words import AUDIT_ACTIONS, AuditAction, WordUnknown
from tests.support.mainjob import Player, play
from tests.support.words import list_written

if TYPE_CHECKING:
    from httpx2 import AsyncClient

APP = Path(__file__).parents[1] / "app"
LISTS = {"EVENT_TYPES": "x-event-types", "ACCESS_ACTIONS": "x-access-actions", "AUDIT_ACTIONS": "x-audit-actions"}
EVENT_TYPE = re.compile(r"[a-z_]+\.[a-z_]+\.v[1-9]\d*")
# Which column of which table holds words of which list, and the argument by which a new row gets its word.
COLUMNS = {"event": ("type", "EVENT_TYPES"), "access_log": ("action", "ACCESS_ACTIONS")}
ARGUMENTS = {"NewEvent": "type", "NewAccess": "action", "write_audit": "action"}
MAKERS = {"EventType", "AccessAction", "AuditAction"}  # types alone: a word is one only by being declared
HANDED_ON_MIN = 30
WRITES = re.compile(r"INSERT INTO (event|access_log) \(([^)]*)\)\s+SELECT\s+")


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the app."""
    for path in sorted(APP.rglob("*.py")):
        yield path.relative_to(APP).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def find_calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call below a node with what is called, like ``EVENT_TYPES.declare``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def find_declarations() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield (where, list, call) of every declaration."""
    for where, tree in trees():
        for called, call in find_calls(tree):
            name, _, method = called.rpartition(".")
            if method == "declare" and name in LISTS:
                yield where, name, call


def find_takers(tree: ast.AST, *, private: bool) -> dict[str, list[tuple[int, str]]]:
    """Return a module's functions that take a word: its place among the arguments (-1: by name alone) and its name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("_") is private:
            places = [*enumerate(node.args.args), *((-1, one) for one in node.args.kwonlyargs)]
            words = [(n, one.arg) for n, one in places if one.annotation and ast.unparse(one.annotation) in MAKERS]
            if words:
                found[node.name] = words
    return found


def literals_of(name: str) -> list[str]:
    """Return what is declared for a list, as it is in the code."""
    return [ast.literal_eval(call.args[0]) for _, of, call in find_declarations() if of == name]


def split(columns: str) -> list[str]:
    """Split SQL at the commas that are in no parentheses."""
    parts, depth = [""], 0
    for letter in columns:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [" ".join(part.split()) for part in parts]


def find_statements() -> Iterator[tuple[str, str]]:
    """Yield every text of the app that may be SQL: files of it, and strings."""
    for path in sorted(APP.rglob("*.sql")):
        yield path.name, path.read_text(encoding="utf-8")
    for where, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield where, node.value


PUBLIC_TAKERS = {name: words for _, tree in trees() for name, words in find_takers(tree, private=False).items()}


def test_words_are_declared_once_each_as_literals_while_their_room_is_imported() -> None:
    wrong = [
        f"{where}: {ast.unparse(call)}"
        for where, _, call in find_declarations()
        if len(call.args) != 1 or call.keywords or not isinstance(call.args[0], ast.Constant)
    ]
    late = [
        f"{where}: {called} in a function"
        for where, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for called, _ in find_calls(function)
        if called in {f"{name}.declare" for name in LISTS}
    ]
    assert not wrong + late
    for name in LISTS:
        assert [word for word, times in Counter(literals_of(name)).items() if times > 1] == []
    assert [word for word in literals_of("EVENT_TYPES") if not EVENT_TYPE.fullmatch(word)] == []
    assert [word for word in literals_of("ACCESS_ACTIONS") if not re.fullmatch(r"[a-z]+(\.[a-z]+)?", word)] == []
    assert [word for word in literals_of("AUDIT_ACTIONS") if not re.fullmatch(r"[a-z_]+\.[a-z-]+", word)] == []


@pytest.mark.parametrize("name", sorted(LISTS))
def test_what_is_declared_anywhere_is_published(name: str) -> None:
    """Also what the worker alone writes: its room has declared it where the application imports it."""
    assert list(WORDS[LISTS[name]]) == sorted(literals_of(name))


def test_no_word_is_put_together_or_written_out_where_it_is_used() -> None:
    wrong = []
    for where, tree in trees():
        declared = {call.args[0] for called, call in find_calls(tree) if called.endswith(".declare") and call.args}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and re.search(r"\.v[1-9]\d*'?\"?$", ast.unparse(node)):
                wrong.append(f"{where}:{node.lineno} puts together an event type")
            if isinstance(node, ast.Constant) and node not in declared and EVENT_TYPE.fullmatch(str(node.value)):
                wrong.append(f"{where}:{node.lineno} writes out an event type")
        for called, call in find_calls(tree):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            word = given.get(ARGUMENTS.get(called, ""))
            if called in MAKERS or (called in ARGUMENTS and not isinstance(word, ast.Name | ast.Subscript)):
                wrong.append(f"{where}:{call.lineno} {called} takes a word that is not declared")
    assert not wrong


def test_what_is_handed_on_as_a_word_is_one_that_has_a_name() -> None:
    """From function to function, too, a word goes as what was declared: never as an f-string or a concatenation."""
    wrong, seen = [], 0
    for where, tree in trees():
        takers = {**find_takers(tree, private=True), **PUBLIC_TAKERS}
        for called, call in find_calls(tree):
            for place, name in takers.get(called.rpartition(".")[2], ()):
                given = next((one.value for one in call.keywords if one.arg == name), None)
                given = call.args[place] if given is None and 0 <= place < len(call.args) else given
                seen += given is not None
                if given is not None and not isinstance(given, ast.Name | ast.Attribute | ast.Subscript):
                    wrong.append(f"{where}:{call.lineno} {called} is given {ast.unparse(given)}")
    assert not wrong
    assert seen >= HANDED_ON_MIN, "the calls are found"


def test_statements_write_declared_words() -> None:
    found: dict[str, set[str]] = {table: set() for table in COLUMNS}
    for where, text in find_statements():
        for write in WRITES.finditer(text):
            table, columns = write.groups()
            column, name = COLUMNS[table]
            value = split(text[write.end() :])[split(columns).index(column)]
            if value != column:  # given by the caller, who is asked
                assert value.strip("'") in literals_of(name), f"{where} writes {value} into {table}"
                found[table].add(value.strip("'"))
    assert found == {
        "event": {"benefit.redeemed.v1", "credit_code.refused.v1"},
        "access_log": {"redeem", "scan"},
    }, "the statements are looked at"


def test_jobs_that_are_asked_for_are_jobs_of_the_worker() -> None:
    asked = set()
    for where, tree in trees():
        constants = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
        for called, call in find_calls(tree):
            if called == "enqueue":
                name = constants.get(ast.unparse(call.args[0]), call.args[0])
                assert isinstance(name, ast.Constant), f"{where}:{call.lineno} asks for a job by a name put together"
                asked.add(name.value)
    assert {"imports", "points", "previews", "rescore", "send_notices"} <= asked <= {job.name for job in JOBS}


@pytest.mark.parametrize("word", ["benefit.redeemed.v2", "benefit.redeemed", ""])
async def test_an_event_of_no_declared_type_is_not_stored(app: object, word: str) -> None:
    del app
    with pytest.raises(WordUnknown):
        async with transaction():
            await insert_events([NewEvent(type=EventType(word), subject_id=uuid7(), at=now())])


@pytest.mark.parametrize("word", ["look", "Scan", ""])
async def test_a_look_of_no_declared_action_is_not_stored(app: object, word: str) -> None:
    del app
    entry = NewAccess(citizen_id=uuid7(), at=now(), action=AccessAction(word), outcome="ok")
    with pytest.raises(WordUnknown):
        await insert_access([entry])
    with pytest.raises(WordUnknown):
        await insert_access_once([entry], since=entry.at)


@pytest.mark.parametrize("word", ["official.sack", "create", ""])
async def test_an_official_action_of_no_declared_name_is_not_stored(app: object, word: str) -> None:
    del app
    with pytest.raises(WordUnknown):
        async with transaction():
            await write_audit(None, action=AuditAction(word), subject="test:word", detail={})


async def test_the_main_job_writes_words_of_the_lists(client: AsyncClient) -> None:
    await play(Player(client))
    written = await list_written()
    assert {"citizen.joined.v1", "consent.given.v1", "benefit.redeemed.v1"} <= written["event"] <= set(EVENT_TYPES)
    assert {"scan", "redeem", "reverse"} <= written["access_log"] <= set(ACCESS_ACTIONS)
    assert written["audit_entry"] <= set(AUDIT_ACTIONS)
