"""A rule book from draft to its day: who may do what, in which state, and that nobody decides on their own work."""

from __future__ import annotations

import asyncio
import contextvars
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.errors import ETagStale
from app.score.draft import queries as draft_queries
from app.score.draft.actions.write import lock_book
from app.score.draft.numbers import EFFECTIVE_DAYS_MAX, may_take_effect
from app.values.days import shanghai_day
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import (
    BOOKS,
    EXAMPLE,
    act,
    approval,
    approve,
    book_of,
    copy_book,
    find_id,
    submit,
    withdraw_scheduled,
)
from tests.support.waiting import wait_until_blocking

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


@pytest.fixture(scope="module")
async def editor(app: object) -> OfficialLogin:
    del app
    return await make_official(roles=["editor"])


@pytest.fixture(scope="module")
async def reviewer(app: object) -> OfficialLogin:
    del app
    return await make_official(roles=["reviewer"])


def code_of(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def edit(client: AsyncClient, who: OfficialLogin, book: dict[str, Any], **changes: Any) -> Response:
    headers = {**who.headers, "If-Match": book["etag"]}
    body = {"document": {**book["document"], **changes}}
    return await client.put(f"{BOOKS}/{book['id']}", json=body, headers=headers)


async def put_examples(client: AsyncClient, who: OfficialLogin, book: dict[str, Any], *examples: Any) -> Response:
    headers = {**who.headers, "If-Match": book["etag"]}
    return await client.put(f"{BOOKS}/{book['id']}/examples", json={"examples": examples}, headers=headers)


async def read(client: AsyncClient, who: OfficialLogin, book_id: str) -> dict[str, Any]:
    answer = await client.get(f"{BOOKS}/{book_id}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return book_of(answer)


async def test_from_draft_to_its_day(client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin) -> None:
    await withdraw_scheduled(client, reviewer)
    draft = await copy_book(client, editor)
    assert (draft["state"], draft["draftedBy"], draft["makers"]) == ("draft", str(editor.id), [str(editor.id)])
    assert draft["allowedActions"] == ["edit", "submit", "delete", "test", "preview"]
    submitted = await submit(client, editor, draft)
    assert (submitted["state"], submitted["submittedBy"]) == ("submitted", str(editor.id))
    scheduled = await approve(client, reviewer, submitted)
    assert (scheduled["state"], scheduled["decidedBy"]) == ("scheduled", str(reviewer.id))
    assert scheduled["effectiveOn"] == approval()["effectiveOn"]
    assert (scheduled["activatedAt"], scheduled["allowedActions"]) == (None, ["withdraw", "test", "preview"])
    withdrawn = book_of(await act(client, reviewer, scheduled, "withdraw", {"note": "数据未备齐"}))
    assert (withdrawn["state"], withdrawn["withdrawnBy"]) == ("retired", str(reviewer.id))
    assert (withdrawn["decisionNote"], withdrawn["allowedActions"]) == ("数据未备齐", ["test"])
    assert len({book["etag"] for book in (draft, submitted, scheduled, withdrawn)}) == 4


async def test_every_step_is_audited_and_has_an_event(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    book = await copy_book(client, editor)
    book = book_of(await edit(client, editor, book, titleEn="Another title"))
    book = book_of(await act(client, reviewer, await submit(client, editor, book), "reject", {"note": "不够清楚"}))
    await client.request("DELETE", f"{BOOKS}/{book['id']}", headers={**editor.headers, "If-Match": book["etag"]})
    audited = await fetch_value(
        "SELECT array_agg(action || ' ' || actor_id ORDER BY number) FROM audit_entry WHERE subject = $1",
        f"rule_book:{book['id']}",
    )
    who = {"draft": editor.id, "edit": editor.id, "submit": editor.id, "reject": reviewer.id, "delete": editor.id}
    assert audited == [f"rule_book.{action} {official_id}" for action, official_id in who.items()]
    types = await fetch_value("SELECT array_agg(type ORDER BY id) FROM event WHERE subject_id = $1", UUID(book["id"]))
    assert types == [f"rule_book.{past}.v1" for past in ("drafted", "edited", "submitted", "rejected", "deleted")]


async def test_nobody_decides_on_their_own_work(client: AsyncClient, editor: OfficialLogin) -> None:
    """Not who drafted, not who edited an hour earlier, not who only wrote the examples, not who only submitted."""
    hands = {name: await make_official(roles=["reviewer"]) for name in ("draft", "edit", "examples", "submit")}
    book = await copy_book(client, hands["draft"])
    book = book_of(await edit(client, hands["edit"], book, titleEn="Mine"))
    book = book_of(await put_examples(client, hands["examples"], book, EXAMPLE))
    book = book_of(await edit(client, editor, book, titleEn="Ours"))
    book = await submit(client, hands["submit"], book)
    for name, official in hands.items():
        for action, body in (("approve", approval()), ("reject", {"note": "不行"})):
            answer = await act(client, official, book, action, body)
            assert code_of(answer) == (403, "rule_book_maker_is_checker"), name


@pytest.mark.usefixtures("app")
async def test_the_database_itself_keeps_maker_and_checker_apart(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await submit(client, editor, await copy_book(client, editor))
    row = await draft_queries.find_book(UUID(book["id"]))
    assert row is not None
    with pytest.raises(asyncpg.CheckViolationError, match="maker_is_not_checker"):
        await draft_queries.mark_scheduled(row.id, row.revision, editor.id, now(), None, shanghai_day(now()))
    for sql, rule in (
        ("UPDATE rule_book SET makers = '{}' WHERE id = $1", "makers_are_known"),
        ("UPDATE rule_book SET state = 'scheduled' WHERE id = $1", "scheduled_by_two"),
        ("UPDATE rule_book SET submitted_by = NULL WHERE id = $1", "submitted_by_somebody"),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=rule):
            await execute(sql, row.id)


async def test_a_rejected_book_is_a_draft_again_with_the_reason(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    book = await submit(client, editor, await copy_book(client, editor))
    book = book_of(await act(client, reviewer, book, "reject", {"note": "请说明上限的依据"}))
    assert (book["state"], book["decisionNote"], book["submittedBy"]) == ("draft", "请说明上限的依据", None)
    book = book_of(await edit(client, editor, book, titleEn="Better"))
    assert (book["decisionNote"], book["decidedBy"]) == ("请说明上限的依据", str(reviewer.id))
    book = await submit(client, editor, book)
    assert (book["state"], book["decisionNote"], book["decidedBy"]) == ("submitted", None, None)


async def test_who_rejected_and_then_lent_a_hand_may_not_approve(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    book = await submit(client, editor, await copy_book(client, editor))
    book = book_of(await act(client, reviewer, book, "reject", {"note": "我来改"}))
    book = await submit(client, editor, book_of(await edit(client, reviewer, book, titleEn="Improved")))
    answer = await act(client, reviewer, book, "approve", approval())
    assert code_of(answer) == (403, "rule_book_maker_is_checker")


async def test_nothing_changes_after_submission(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    await withdraw_scheduled(client, reviewer)
    submitted = await submit(client, editor, await copy_book(client, editor))
    scheduled = await approve(client, reviewer, submitted)
    active = await read(client, editor, await find_id("rating", 1))
    for book in (scheduled, active):
        before = await read(client, editor, book["id"])
        headers = {**editor.headers, "If-Match": book["etag"]}
        answers = [
            await edit(client, editor, book, titleEn="Changed"),
            await put_examples(client, editor, book, EXAMPLE),
            await client.request("DELETE", f"{BOOKS}/{book['id']}", headers=headers),
            await act(client, editor, book, "submit"),
            await act(client, reviewer, book, "approve", approval()),
            await act(client, reviewer, book, "reject", {"note": "不行"}),
        ]
        assert {code_of(answer) for answer in answers} == {(409, "rule_book_move_not_allowed")}
        assert await read(client, editor, book["id"]) == before
    await withdraw_scheduled(client, reviewer)


async def test_an_edit_that_raced_a_submission_changes_nothing(client: AsyncClient, editor: OfficialLogin) -> None:
    """Twenty edits and submissions of one revision at once: one is done, and what was submitted was tested."""
    book = await copy_book(client, editor)
    tries = [edit(client, editor, book, titleEn=f"Title {n}") for n in range(10)]
    tries += [act(client, editor, book, "submit") for _ in range(10)]
    answers = await asyncio.gather(*tries)
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(done) == 1
    refused = {code_of(answer) for answer in answers if answer.status_code != 200}
    assert refused <= {(412, "etag_stale"), (409, "rule_book_move_not_allowed")}
    assert await read(client, editor, book["id"]) == book_of(done[0])


@pytest.mark.usefixtures("app")
async def test_conditional_writes_refuse_what_is_no_draft_of_that_revision(
    client: AsyncClient, editor: OfficialLogin
) -> None:
    """Also without the lock that lets one change after the other through."""
    book = await submit(client, editor, await copy_book(client, editor))
    row = await draft_queries.find_book(UUID(book["id"]))
    assert row is not None
    assert await draft_queries.delete_draft(row.id, row.revision) == 0
    assert await draft_queries.update_examples(row.id, row.revision, "[]", editor.id, now()) == 0
    assert await draft_queries.mark_submitted(row.id, row.revision, editor.id, now()) == 0
    assert await draft_queries.mark_rejected(row.id, row.revision + 1, editor.id, now(), "x") == 0
    assert await draft_queries.mark_withdrawn(row.id, row.revision, editor.id, now(), "x") == 0
    assert await draft_queries.find_book(UUID(book["id"])) == row


async def test_two_approvals_at_once_schedule_one(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    await withdraw_scheduled(client, reviewer)
    books = [await submit(client, editor, await copy_book(client, editor)) for _ in range(4)]
    answers = await asyncio.gather(*(act(client, reviewer, book, "approve", approval()) for book in books))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = {code_of(answer) for answer in answers if answer.status_code == 409}
    assert refused == {(409, "another_rule_book_scheduled")}
    with pytest.raises(asyncpg.UniqueViolationError, match="one_scheduled"):
        await execute(
            "UPDATE rule_book SET state = 'scheduled', effective_on = $2, decided_by = $3 WHERE public_id = ANY($1)",
            [UUID(book["id"]) for book in books], shanghai_day(now()), reviewer.id,
        )  # fmt: skip
    await withdraw_scheduled(client, reviewer)


@pytest.mark.parametrize(("days", "may"), [(-1, False), (0, False), (1, True), (EFFECTIVE_DAYS_MAX, True),
                                           (EFFECTIVE_DAYS_MAX + 1, False)])  # fmt: skip
def test_a_book_counts_from_tomorrow_at_the_earliest(days: int, may: bool) -> None:
    today = shanghai_day(now())
    assert may_take_effect(today + timedelta(days=days), today) is may


async def test_a_day_that_is_no_day_ahead_is_refused(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    book = await submit(client, editor, await copy_book(client, editor))
    for days in (-1, 0, EFFECTIVE_DAYS_MAX + 2):
        answer = await act(client, reviewer, book, "approve", approval(days))
        assert code_of(answer) == (422, "effective_day_wrong")
        assert answer.json()["errors"][0]["pointer"] == "/effectiveOn"


async def test_an_etag_is_needed_and_must_be_the_last_one(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    path, body = f"{BOOKS}/{book['id']}", {"document": book["document"]}
    assert code_of(await client.put(path, json=body, headers=editor.headers)) == (428, "etag_missing")
    newer = book_of(await edit(client, editor, book, titleEn="Newer"))
    assert newer["etag"] != book["etag"]
    assert code_of(await edit(client, editor, book, titleEn="Older")) == (412, "etag_stale")
    assert code_of(await act(client, editor, book, "submit")) == (412, "etag_stale")
    weak = {**newer, "etag": "W/" + newer["etag"]}
    assert code_of(await edit(client, editor, weak, titleEn="Weak")) == (412, "etag_stale")
    assert (await edit(client, editor, newer, titleEn="Newest")).status_code == 200


async def test_an_approval_is_of_what_was_read(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    """Sent back, changed and submitted again while a second reviewer was still reading the first version."""
    read_before = await submit(client, editor, await copy_book(client, editor))
    book = book_of(await act(client, reviewer, read_before, "reject", {"note": "改一改"}))
    await submit(client, editor, book_of(await edit(client, editor, book, titleEn="Something else")))
    second = await make_official(roles=["reviewer"])
    assert code_of(await act(client, second, read_before, "approve", approval())) == (412, "etag_stale")


async def test_an_edit_is_another_content_of_the_same_book(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor)
    find_content = "SELECT id FROM rule_book WHERE public_id = $1"
    count_terms = "SELECT count(*) FROM rule_term WHERE rule_book_id = $1"
    first = await fetch_value(find_content, UUID(book["id"]))
    terms = await fetch_value(count_terms, first)
    fewer = [i for i in book["document"]["indicators"] if i["code"] != "POS_CLUE"]
    examples = [one for one in book["examples"] if "POS_CLUE" not in str(one["records"])]
    book = book_of(await put_examples(client, editor, book, *examples))
    book = book_of(await edit(client, editor, book, indicators=fewer))
    second = await fetch_value(find_content, UUID(book["id"]))
    assert second != first
    assert [await fetch_value(count_terms, one) for one in (first, second)] == [0, terms - 1]
    assert book["examples"] == examples
    assert msgspec.json.decode(await fetch_value("SELECT document FROM rule_book WHERE id = $1", second)) is not None


async def test_a_deleted_draft_gives_its_number_back(client: AsyncClient, editor: OfficialLogin) -> None:
    book = await copy_book(client, editor, "ledger")
    headers = {**editor.headers, "If-Match": book["etag"]}
    assert (await client.request("DELETE", f"{BOOKS}/{book['id']}", headers=headers)).status_code == 204
    assert code_of(await client.get(f"{BOOKS}/{book['id']}", headers=editor.headers)) == (404, "not_found")
    again = await copy_book(client, editor, "ledger")
    assert (again["version"], again["id"] != book["id"]) == (book["version"], True)


async def test_a_withdrawn_number_is_used_up(
    client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin
) -> None:
    """It was public: nobody shall read two documents under one number."""
    await withdraw_scheduled(client, reviewer)
    book = await approve(client, reviewer, await submit(client, editor, await copy_book(client, editor)))
    await act(client, reviewer, book, "withdraw", {"note": "撤回"})
    assert (await copy_book(client, editor))["version"] > book["version"]


async def test_institutions_have_no_part_in_it(client: AsyncClient, editor: OfficialLogin) -> None:
    from tests.support.campaigns import make_desk  # noqa: PLC0415 - one test needs an institution

    outsider = (await make_desk()).editor
    book = await copy_book(client, editor)
    answers = [
        await client.get(BOOKS, headers=outsider.headers),
        await client.get(f"{BOOKS}/{book['id']}", headers=outsider.headers),
        await edit(client, outsider, book, titleEn="Ours"),
        await act(client, outsider, book, "submit"),
        await client.post(f"{BOOKS}/{book['id']}/test", headers=outsider.headers),
    ]
    assert {code_of(answer) for answer in answers} == {(403, "forbidden")}


async def test_editors_do_not_decide_and_auditors_do_not_write(client: AsyncClient, editor: OfficialLogin) -> None:
    auditor, colleague = await make_official(roles=["auditor"]), await make_official(roles=["editor"])
    book = await submit(client, editor, await copy_book(client, editor))
    assert code_of(await act(client, colleague, book, "approve", approval())) == (403, "forbidden")
    assert (await client.get(f"{BOOKS}/{book['id']}", headers=auditor.headers)).status_code == 200
    assert code_of(await act(client, auditor, book, "submit")) == (403, "forbidden")


async def test_lists_show_what_is_there_page_by_page(client: AsyncClient, editor: OfficialLogin) -> None:
    books = [await copy_book(client, editor) for _ in range(3)]
    first = (await client.get(BOOKS, params={"state": "draft", "limit": 2}, headers=editor.headers)).json()
    assert [one["id"] for one in first["data"]] == [books[2]["id"], books[1]["id"]]
    assert "document" not in first["data"][0]
    params = {"state": "draft", "limit": 1, "cursor": first["page"]["nextCursor"]}
    assert (await client.get(BOOKS, params=params, headers=editor.headers)).json()["data"][0]["id"] == books[0]["id"]
    active = (await client.get(BOOKS, params={"state": "active"}, headers=editor.headers)).json()["data"]
    assert [(one["code"], one["version"], one["draftedBy"]) for one in active] == [("rating", 1, None)]
    assert active[0]["activatedAt"] is not None


@pytest.mark.usefixtures("app")
async def test_the_lock_is_asked_for_before_the_row_is_read(client: AsyncClient, editor: OfficialLogin) -> None:
    """Who waits for another edit sees what that one wrote, although the row it replaced is gone."""
    from app.kit.security.auth import OfficialCaller  # noqa: PLC0415 - one test speaks to the action itself

    book = await copy_book(client, editor)
    caller = OfficialCaller(id=editor.id, username="x", roles=frozenset(("editor",)), institution_id=None)
    outside = contextvars.copy_context()
    async with transaction():
        await draft_queries.lock_books()
        waiting = asyncio.create_task(edit(client, editor, book, titleEn="Waited"), context=outside)
        await wait_until_blocking()
        row = await lock_book(caller, UUID(book["id"]), "edit", book["etag"])
        await draft_queries.update_examples(row.id, row.revision, "[]", editor.id, now())
        with pytest.raises(ETagStale):
            await lock_book(caller, UUID(book["id"]), "edit", book["etag"])
    assert code_of(await waiting) == (412, "etag_stale")
