"""Tables of moves: what one says of a state, and that every published one is whole."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from app.kit.errors import MakerIsChecker, MoveNotAllowed
from app.kit.web.openapi_files import find_refusals
from app.main import STATES
from app.values.moves import Moves
from app.values.reason import Reason

# Where nothing leads on to, by table: a campaign's state is one of the version in force and one of the draft.
ENDS: dict[str, set[Any]] = {
    "campaign": {("ended", draft) for draft in ("draft", "submitted", "approved", "rejected")},
    "citizen": {"frozen", "left"},
    "import": {"uploading", "finished", "refused", "cancelled"},  # what is uploaded is no import yet, and becomes one
    "institution": set(),
    "key": set(),
    "objection": {"withdrawn"},
    "official": set(),
    "record_proposal": {"approved", "rejected", "expired"},
    "redemption": {"reversed"},
    "rule_book": {"retired"},
    "rule_book_preview": set(),
    "scenario_proposal": {"confirmed", "rejected"},
    "store": set(),
    "terminal": set(),
}
HAN = re.compile(r"[一-鿿]+")
DOOR: Moves[str, str] = Moves(
    {"open": {"close": "shut"}, "shut": {"open": "open", "wall": "gone"}, "gone": {}, "ajar": {}},
    begins={"open"},
    by_itself={"ajar": {"slam": "shut"}, "shut": {"rot": "gone"}},
    beside={"shut": ("knock",)},
    states_zh={"open": "开", "shut": "关", "gone": "没了", "ajar": "半开"},
    actions_zh={"close": "关上", "open": "打开", "wall": "砌上", "knock": "敲"},
)
PAIRS: Moves[tuple[str, str], str] = Moves(
    {("on", "red"): {"switch": ("off", "red"), "dye": ("on", "blue")}, ("off", "red"): {}, ("on", "blue"): {}},
    begins={("on", "red")},
    states_zh={"on": "亮", "off": "灭"},
    actions_zh={"switch": "关灯", "dye": "染色"},
    published=["switch", "dye"],
)


class DoorStays(MoveNotAllowed):
    """The door stays as it is."""

    moves = DOOR


class LampStays(MoveNotAllowed):
    """The lamp stays as it is."""

    moves = PAIRS
    says_allowed = True


def test_what_a_state_allows() -> None:
    assert DOOR.allowed("shut") == ["open", "wall", "knock"]
    assert DOOR.allowed("shut", {"knock", "open"}) == ["open", "knock"]
    assert DOOR.allowed("gone") == DOOR.allowed("ajar") == DOOR.allowed("melted") == []
    assert DOOR.allows("shut", "knock")
    assert not DOOR.allows("shut", "rot"), "nobody does it"
    assert not DOOR.allows("melted", "open"), "a newer version may know more states"


def test_where_a_move_leads() -> None:
    assert DOOR.to("shut", "open") == "open"
    assert PAIRS.to(("on", "red"), "switch") == ("off", "red")
    with pytest.raises(KeyError):
        DOOR.to("open", "wall")


def test_which_states_there_are() -> None:
    assert DOOR.states == ("open", "shut", "gone", "ajar")
    assert DOOR.open == ("open", "shut", "ajar")
    assert DOOR.reached == {"open", "shut", "gone"}, "nothing leads to a door ajar"


def test_what_is_published_is_the_whole_table() -> None:
    assert DOOR.published == {
        "open": {"close": "shut"},
        "shut": {"open": "open", "wall": "gone", "rot": "gone"},
        "gone": {},
        "ajar": {"slam": "shut"},
    }
    assert PAIRS.published == ["switch", "dye"], "as it is written"


def test_a_refusal_says_the_state_and_where_that_decides_what_is_allowed() -> None:
    assert DoorStays("shut").reasons == [Reason(code="state_shut", zh="当前状态：关", en="the state is shut")]
    assert LampStays(("on", "red")).reasons == [
        Reason(code="state_on", zh="当前状态：亮", en="the state is on"),
        Reason(code="allowed_actions", zh="可执行：关灯、染色", en="allowed: switch, dye"),
    ]
    (_, allowed) = LampStays(("off", "red")).reasons
    assert allowed == Reason(code="allowed_actions", zh="可执行：无", en="allowed: nothing")


@pytest.mark.parametrize("name", STATES)
def test_a_published_table_is_whole(name: str) -> None:
    moves = STATES[name]
    assert moves.reached == set(moves.states), "each state is begun in or led to, and each that is led to is there"
    assert moves.begins <= set(moves.states)
    for state in moves.states:
        assert HAN.fullmatch(moves.describe_state(state).zh.removeprefix("当前状态："))
        assert HAN.fullmatch(moves.describe_allowed(state).zh.removeprefix("可执行：").replace("、", ""))
    asked = {action for state in moves.states for action in moves.allowed(state)}
    assert set(moves.actions_zh) == asked, "what somebody does has its words, and nothing else has"


def test_what_has_ended_has_ended() -> None:
    """A row that is added to a table, or lost, is a promise that changes."""
    assert {name: set(moves.states) - set(moves.open) for name, moves in STATES.items()} == ENDS


def test_every_table_is_published() -> None:
    tables = {
        id(value): f"{name}.{key}"
        for name, module in list(sys.modules.items())
        if name.startswith("app.")
        for key, value in vars(module).items()
        if isinstance(value, Moves)
    }
    for moves in STATES.values():
        tables.pop(id(moves), None)
    assert not tables


def test_every_move_refused_is_one_of_a_published_table() -> None:
    kinds = [kind for kind in find_refusals() if issubclass(kind, MoveNotAllowed)]
    assert {id(kind.moves) for kind in kinds} <= {id(moves) for moves in STATES.values()}
    assert {kind.code for kind in kinds} >= {"campaign_move_not_allowed", "objection_state_unsuitable"}


def test_every_maker_who_checks_is_refused_by_one_kind() -> None:
    said = [kind for kind in find_refusals() if re.search("maker|confirmer", kind.code)]
    assert len(said) > 1
    assert all(issubclass(kind, MakerIsChecker) for kind in said)
