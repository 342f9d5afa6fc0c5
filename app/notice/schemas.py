"""Notices on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire
from app.notice.message import REPORTED_MAX, Template


class NoticeShown(Wire):
    """Something the citizen is told, in the reader's language; ``subjectId`` is what it is about, such as a record."""

    id: UUID
    kind: str
    subject_id: UUID
    title: str
    body: str
    at: datetime
    read_at: datetime | None


class UnreadCount(Wire):
    """How many notices the citizen has not read."""

    unread: int


class QuotaAsk(Ask):
    """How often the citizen just agreed to be sent a message, as `wx.requestSubscribeMessage` answered."""

    template: Template
    count: Annotated[int, msgspec.Meta(ge=1, le=REPORTED_MAX)] = 1


class QuotaShown(Wire):
    """How many messages may be sent now; ``wechatTemplateId`` is what `wx.requestSubscribeMessage` asks for.

    The id is null where the city has no such template.
    """

    template: Template
    wechat_template_id: str | None
    remaining: int
