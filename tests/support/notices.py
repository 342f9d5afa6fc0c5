"""Notices for tests, and what the sandbox was asked to send."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx2
import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_one, transaction
from app.notice.actions.notices import insert_notices
from app.notice.message import NewNotice
from app.sandbox.answers import compute_openid, compute_phone

if TYPE_CHECKING:
    from tests.support.citizens import Joined


class StoredNotice(msgspec.Struct, frozen=True):
    """What is stored of a notice and its delivery."""

    id: UUID
    kind: str
    subject_id: UUID
    title_zh: str
    body_zh: str
    body_en: str
    delivery: str
    channel: str | None
    tries: int


def make_notice(citizen_id: UUID, **changes: Any) -> NewNotice:
    """Make a notice; what is not given is random."""
    words = {"title_zh": "标题", "title_en": "Title", "body_zh": "正文", "body_en": "Body"}
    plain: dict[str, Any] = {"citizen_id": citizen_id, "kind": "test", "subject_id": uuid7(), **words}
    return NewNotice(**(plain | changes))


async def store_notice(citizen_id: UUID, **changes: Any) -> UUID:
    """Store a notice for a citizen, and return what it is about."""
    notice = make_notice(citizen_id, **changes)
    async with transaction():
        await insert_notices([notice], at=now())
    return notice.subject_id


async def find_notice(subject_id: UUID) -> StoredNotice:
    """Return the notice about a subject."""
    columns = ", ".join(StoredNotice.__struct_fields__)
    found = await fetch_one(StoredNotice, f"SELECT {columns} FROM notice WHERE subject_id = $1", subject_id)
    assert found is not None
    return found


async def make_due(*subject_ids: UUID) -> None:
    """Let the wait for the next try, or a lease, be over."""
    await execute("UPDATE notice SET next_try_at = now() WHERE subject_id = ANY($1)", list(subject_ids))


def openid_of(person: Joined) -> str:
    """Return the openid the sandbox gave a person."""
    openid = compute_openid(person.tokens.code)
    assert openid is not None
    return openid


def number_of(person: Joined) -> str:
    """Return a person's phone number as an SMS goes to it."""
    phone = compute_phone(person.phone_code)
    assert phone is not None
    return f"+86{phone.number}"


async def messages_to(receiver: str) -> list[dict[str, Any]]:
    """Return what the sandbox sent to an openid or a number."""
    async with httpx2.AsyncClient(base_url=os.environ["WECHAT_BASE_URL"], trust_env=False) as http:
        answer = await http.get("/sandbox/messages", params={"to": receiver})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found
