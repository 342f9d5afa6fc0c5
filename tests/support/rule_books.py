"""Rule books on their way, through the API; a test that approves one withdraws it again, for only one can wait."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from app.kit.clock import now
from app.kit.db.database import fetch_value
from app.score.book.standard import STANDARD_BOOK_FILE
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.officials import OfficialLogin

BOOKS = "/v1/official/rule-books"
# Somebody born in 1990 without any record: 500 and five years of good faith.
EXAMPLE: dict[str, Any] = {
    "titleZh": "没有记录", "titleEn": "No records", "day": "2026-06-30", "birthOn": "1990-05-20", "records": [],
    "expected": {"value": 560, "level": "L2"}, "working": "500 + 60 = 560",
}  # fmt: skip


class Books(msgspec.Struct, frozen=True):
    """Rule books in several states by their names, and what the draft says."""

    ids: dict[str, str]
    document: dict[str, Any]


async def find_id(code: str, version: int) -> str:
    """Return how officials call a rule book."""
    return str(await fetch_value("SELECT public_id FROM rule_book WHERE code = $1 AND version = $2", code, version))


async def copy_book(
    client: AsyncClient, editor: OfficialLogin, code: str = "rating", version: int = 1
) -> dict[str, Any]:
    """Draft the next version as a copy of a book, with its examples."""
    body = {"copyFrom": await find_id(code, version)}
    answer = await client.post(BOOKS, json=body, headers=editor.headers)
    assert answer.status_code == 201, answer.text
    return book_of(answer)


def book_of(answer: Response) -> dict[str, Any]:
    """Return a rule book with its ETag."""
    return {**answer.json(), "etag": answer.headers["ETag"]}


async def act(
    client: AsyncClient, who: OfficialLogin, book: dict[str, Any], action: str, body: dict[str, Any] | None = None
) -> Response:
    """Submit, reject, approve or withdraw a rule book as it was last seen."""
    headers = {**who.headers, "If-Match": book["etag"]}
    return await client.post(f"{BOOKS}/{book['id']}/{action}", json=body, headers=headers)


async def submit(client: AsyncClient, editor: OfficialLogin, book: dict[str, Any]) -> dict[str, Any]:
    """Submit a draft whose examples pass."""
    answer = await act(client, editor, book, "submit")
    assert answer.status_code == 200, answer.text
    return book_of(answer)


def approval(days: int = 30) -> dict[str, Any]:
    """Return what approves a rule book for a day so many days from today."""
    return {"effectiveOn": str(shanghai_day(now()) + timedelta(days=days))}


async def approve(client: AsyncClient, reviewer: OfficialLogin, book: dict[str, Any], days: int = 30) -> dict[str, Any]:
    """Have a submitted book wait for its day."""
    answer = await act(client, reviewer, book, "approve", approval(days))
    assert answer.status_code == 200, answer.text
    return book_of(answer)


async def withdraw_scheduled(client: AsyncClient, reviewer: OfficialLogin) -> None:
    """Make room: whatever waits for its day waits no longer."""
    listed = await client.get(BOOKS, params={"state": "scheduled"}, headers=reviewer.headers)
    for book in listed.json()["data"]:
        seen = book_of(await client.get(f"{BOOKS}/{book['id']}", headers=reviewer.headers))
        answer = await act(client, reviewer, seen, "withdraw", {"note": "腾出位置"})
        assert answer.status_code == 200, answer.text


async def make_books(client: AsyncClient, editor: OfficialLogin, reviewer: OfficialLogin) -> Books:
    """Make drafts and submitted books, one with a preview asked for; nothing waits for its day."""
    await withdraw_scheduled(client, reviewer)
    draft, spare = await copy_book(client, editor), await copy_book(client, editor)
    submitted, other = [await submit(client, editor, await copy_book(client, editor)) for _ in range(2)]
    path = f"{BOOKS}/{submitted['id']}/preview"
    answer = await client.post(path, json={"sample": "hundredth"}, headers=editor.headers)
    assert answer.status_code == 202, answer.text
    ids = {
        "draft_rule_book": draft["id"], "spare_rule_book": spare["id"], "submitted_rule_book": submitted["id"],
        "other_submitted_rule_book": other["id"], "rule_book_code": "rating", "rule_book_version": "1",
    }  # fmt: skip
    shipped = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    return Books(ids, {**shipped, "version": draft["version"]})
