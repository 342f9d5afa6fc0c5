"""Scores as they are stored: packed, or as JSON by the version before; who reads them sees no difference."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_one, fetch_value, transaction
from app.kit.jobs.pace import FULL
from app.score.book import queries as book_queries
from app.score.book.document import DIMENSIONS_MAX, POINTS_MAX
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.city.actions import prepare as prepare_actions
from app.score.current.actions import read as read_actions
from app.score.current.actions.rescore import rescore
from app.score.current.queries import scores as scores_queries
from app.score.current.views import show_score
from app.score.engine import queries as engine_queries
from app.score.engine.actions import find_parts
from app.score.engine.parts import unpack_dimensions, unpack_parts
from app.values.days import shanghai_day
from tests.score.engine.cases import CLEAN, fact, parts_of, score_of
from tests.support import switching
from tests.support.histories import make_citizens, new_record
from tests.support.recording import put_records

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = pytest.mark.usefixtures("own_city")
TERMS = {0: "POS_CLUE", 7: "POS_CARE", 8: "POS_CARE", 2**27 - 1: "POS_LAST"}
INTEGER_MAX = 2**31 - 1
# A floor and a cap, and what a dimension without records gives between them.
LIMITS: list[tuple[int | None, int | None, int]] = [
    (0, 400, 0), (None, None, 0), (-200, 0, 0), (5, 400, 5), (5, None, 5), (-200, -3, -3), (None, -3, -3),
]  # fmt: skip


def pack(step: int, subject: int, points: int) -> int:
    """Pack as the engine does, in arithmetic instead of shifts."""
    return step * 2**60 + subject * 2**32 + points


@pytest.mark.parametrize(
    ("numbers", "parts"),
    [
        ([], {}),
        ([(0, 0, 5)], {"POS_CLUE": 5}),
        ([(0, 0, 0)], {"POS_CLUE": 0}),
        ([(0, 7, 5), (0, 8, -2)], {"POS_CARE": 3}),
        ([(0, 2**27 - 1, INTEGER_MAX)], {"POS_LAST": INTEGER_MAX}),
        ([(0, 0, -INTEGER_MAX - 1)], {"POS_CLUE": -INTEGER_MAX - 1}),
        ([(1, 7, -4), (1, 8, -1)], {"annual_cap:POS_CARE": -5}),
        ([(2, 1, -9), (2, len(STANDARD_BOOK.dimensions), 3)], {"dimension_cap:basic": -9, "dimension_cap:repair": 3}),
        ([(3, 0, -1)], {"scale:": -1}),
        ([(4, POINTS_MAX, -1)], {f"ceiling:{POINTS_MAX}": -1}),
        ([(4, -POINTS_MAX, -INTEGER_MAX)], {f"ceiling:{-POINTS_MAX}": -INTEGER_MAX}),
        ([(4, 0, INTEGER_MAX)], {"ceiling:0": INTEGER_MAX}),
    ],
)
def test_parts_are_unpacked(numbers: list[tuple[int, int, int]], parts: dict[str, int]) -> None:
    packed = [pack(*number) for number in numbers]
    assert all(-(2**63) <= number < 2**63 for number in packed)
    assert unpack_parts("{" + ",".join(map(str, packed)) + "}", TERMS, STANDARD_BOOK) == parts


def test_a_term_nobody_knows_is_not_taken_for_another() -> None:
    with pytest.raises(KeyError):
        unpack_parts("{" + str(pack(0, 9, 5)) + "}", TERMS, STANDARD_BOOK)


def test_json_of_the_version_before_is_read_too() -> None:
    parts = {"POS_CLUE": 4, "scale:": -1}
    assert unpack_parts(msgspec.json.encode(parts).decode(), {}, STANDARD_BOOK) == parts
    both = ('[{"code": "basic", "points": 60}]', "{" + str(pack(0, 1, 60)) + "}")
    assert len({unpack_dimensions(text, STANDARD_BOOK) for text in both}) == 1
    assert unpack_dimensions("[]", STANDARD_BOOK) == unpack_dimensions("{}", STANDARD_BOOK) == ()


def variant(**changes: Any) -> dict[str, Any]:
    """Return the standard document with changes."""
    document: dict[str, Any] = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    return {**document, **changes}


async def make_book(version: int, document: dict[str, Any]) -> int:
    async with transaction():
        return await book_queries.insert_rule_book(
            msgspec.json.encode({**document, "version": version}).decode(), "draft"
        )


@pytest.mark.parametrize(("floor", "cap", "given"), LIMITS)
async def test_a_dimension_without_records_gives_what_its_limits_leave(
    floor: int | None, cap: int | None, given: int
) -> None:
    document = variant()
    document["dimensions"][2].update(floor=floor, cap=cap)  # usage
    book_id = await make_book(201 + LIMITS.index((floor, cap, given)), document)
    score = await score_of(book_id=book_id)
    assert parts_of(score) == CLEAN | ({"dimension_cap:usage": given} if given else {})
    assert score.value == 560 + given


async def test_the_last_of_as_many_dimensions_as_may_be() -> None:
    document = variant()
    some = document["dimensions"]
    more = [{**some[2], "code": f"more_{number}", "floor": 1, "cap": 9} for number in range(DIMENSIONS_MAX - len(some))]
    book_id = await make_book(220, {**document, "dimensions": [*some, *more]})
    assert (await score_of(fact("POS_CLUE"), book_id=book_id)).value == 564 + len(more)


async def test_scores_under_two_books_are_computed_in_one_statement() -> None:
    """Each keeps to the limits of its own book, and its points to the dimensions of its own."""
    citizens, today = await make_citizens(2), shanghai_day(now())
    document = variant()
    document["dimensions"].reverse()
    document["dimensions"][-1].update(cap=7)  # basic
    other = await make_book(230, document)
    books = [await book_queries.find_active_book_id(), other]
    async with transaction():
        stored = [
            (await engine_queries.find_scores([citizen], today, book))[0]
            for citizen, book in zip(citizens, books, strict=True)
        ]
        await scores_queries.insert_scores(stored, [], at=now())
        again = {one.citizen_id: one for one in await engine_queries.find_scores_again(citizens)}
    assert [one.value for one in stored] == [560, 507]
    for one in stored:
        found = again[one.citizen_id]
        assert (found.value, found.dimension_points, found.from_rule_book_id) == (
            one.value, one.dimension_points, one.rule_book_id
        )  # fmt: skip
        assert await find_parts(found.part_points, found.rule_book_id) == await find_parts(
            one.part_points, one.rule_book_id
        )


class Form(msgspec.Struct, frozen=True):
    """In which form a score is stored."""

    dimensions: str | None
    parts: str | None
    dimension_points: list[int] | None
    part_points: list[int] | None


async def form_of(citizen_id: UUID) -> Form:
    found = await fetch_one(
        Form,
        """SELECT dimensions, parts, dimension_points, array_sort(part_points) AS part_points FROM score_snapshot
        WHERE citizen_id = $1""",
        citizen_id,
    )
    assert found is not None
    return found


async def store_as_json(citizen_id: UUID) -> None:
    """Store a score as the version before did: every dimension, and parts by their names."""
    stored = await read_actions.read_score(citizen_id)
    points = {one.code: one.points for one in read_actions.unfold_score(stored).dimensions}
    dimensions = [{"code": one.code, "points": points.get(one.code, 0)} for one in STANDARD_BOOK.dimensions]
    packed = await fetch_value("SELECT part_points::text FROM score_snapshot WHERE citizen_id = $1", citizen_id)
    parts = await find_parts(packed, stored.rule_book_id)
    await execute(WRITE_AS_JSON, citizen_id, *(msgspec.json.encode(one).decode() for one in (dimensions, parts)))


WRITE_AS_JSON = """UPDATE score_snapshot SET dimensions = $2, parts = $3, dimension_points = NULL, part_points = NULL
    WHERE citizen_id = $1"""


async def make_twins() -> list[UUID]:
    """Make two citizens with the same records, of whom the second has a score as the version before stored it."""
    twins, today = await make_citizens(2), shanghai_day(now())
    codes = ["POS_CLUE", "USE_PARK_PAID", *["POS_SUPERVISE"] * 4]
    async with transaction():
        records = [new_record(twin, code, event_on=today) for twin in twins for code in codes]
        await put_records(records, at=now(), entered_by=None)
        await rescore(twins, at=now() - timedelta(days=1))
    async with transaction():
        await rescore(twins, at=now())
    await store_as_json(twins[1])
    return twins


async def shown(citizen_id: UUID) -> bytes:
    """Return what is shown of a score and of its last step."""
    score = read_actions.unfold_score(await read_actions.read_score(citizen_id))
    steps = await read_actions.list_changes(citizen_id, before=None, limit=1)
    written = [(one.from_value, one.to_value, one.from_level, one.to_level, one.reasons) for one in steps]
    return msgspec.json.encode((show_score(score, "zh"), show_score(score, "en"), written))


async def test_a_score_of_the_version_before_is_shown_and_moves_like_any_other() -> None:
    packed, as_json = await make_twins()
    assert (await form_of(as_json)).parts is not None
    assert await shown(as_json) == await shown(packed)
    assert not await read_actions.find_wrong_scores(1000)
    async with transaction():
        records = [new_record(twin, "POS_RESCUE", event_on=shanghai_day(now())) for twin in (packed, as_json)]
        await put_records(records, at=now(), entered_by=None)
        changes = await rescore([packed, as_json], at=now())
    assert [[(one.code, one.subject, one.points) for one in change.reasons] for change in changes] == [
        [("appeared", "POS_RESCUE", 40)]
    ] * 2
    assert await shown(as_json) == await shown(packed)
    assert await form_of(as_json) == await form_of(packed), "it has taken the new form"
    assert (await form_of(packed)).parts is (await form_of(packed)).dimensions is None


async def test_what_is_not_moved_stays_as_it_is_until_everybody_is_scored_anew() -> None:
    _, as_json = await make_twins()
    before = await form_of(as_json)
    async with transaction():
        assert await rescore([as_json], at=now()) == []
    assert await form_of(as_json) == before
    await prepare_actions.score_city()
    assert await fetch_value("SELECT count(*) FROM score_snapshot WHERE num_nonnulls(parts, dimensions) > 0") == 0


async def test_a_switch_writes_steps_of_scores_of_the_version_before_like_any_other() -> None:
    twins, document = await make_twins(), variant()
    document["scale"]["base"] += 7
    clue = next(one for one in document["indicators"] if one["code"] == "POS_CLUE")
    clue["values"][0]["points"] += 2
    async with switching.scheduled(shanghai_day(now()), document):
        assert await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        assert await prepare_actions.switch_due(at=now())
        await switching.finish()
        steps = [(await read_actions.list_changes(twin, before=None, limit=1))[0] for twin in twins]
        assert [(one.code, one.points) for one in steps[0].reasons] == [("rule_book", 7), ("changed", 2)]
        assert await shown(twins[0]) == await shown(twins[1])


async def test_what_a_process_of_the_version_before_stores_is_read_or_refused() -> None:
    """It knows nothing of the new columns: over a packed score its own would be one of two that differ."""
    packed, as_json = await make_twins()
    update = "UPDATE score_snapshot SET dimensions = '[]', parts = '{}' WHERE citizen_id = $1"
    await execute(update, as_json)
    with pytest.raises(asyncpg.CheckViolationError):
        await execute(update, packed)
    for table in ("score_snapshot", "score_prepared"):
        with pytest.raises(asyncpg.CheckViolationError):
            await execute(
                f"""INSERT INTO {table} (citizen_id, value, level, honours, rule_book_id, as_of, inputs_hash,
                    computed_at) VALUES (gen_random_uuid(), 1, 'L1', '[]', 1, now(), '', now())"""
            )
