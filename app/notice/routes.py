"""A citizen's notices, and which messages they allow."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.clock import now
from app.kit.errors import InvalidRequest, NotFound, NotJoined, StaleCursor, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page, whole_page
from app.kit.web.show import show
from app.notice.actions import notices as notices_actions
from app.notice.queries import notices as notices_queries
from app.notice.queries.notices import ReadableNotice
from app.notice.schemas import NoticeShown, QuotaAsk, QuotaShown, UnreadCount


@get("/", operation_id="listNotices", status_code=200, responses=refusals(InvalidRequest, StaleCursor, Unauthenticated))
async def list_notices(
    request: AnyRequest,
    citizen: NamedDependency[CitizenCaller],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[NoticeShown]:
    """Show what the citizen was told, newest first."""
    language = language_of(request)
    notices = await notices_queries.list_notices(citizen.id, decode_cursor(cursor, UUID), limit)
    return make_page(notices, limit, lambda notice: _show(notice, language), lambda notice: notice.id)


@get("/unread", operation_id="countUnreadNotices", status_code=200, responses=refusals(Unauthenticated))
async def count_unread(citizen: NamedDependency[CitizenCaller]) -> UnreadCount:
    """Tell how many notices wait to be read: the figure on the mini-program's bell."""
    return UnreadCount(unread=await notices_queries.count_unread(citizen.id))


@post(
    "/{notice_id:uuid}/read",
    operation_id="readNotice",
    status_code=204,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, NotFound),
)
async def read_notice(notice_id: FromPath[UUID], citizen: NamedDependency[CitizenCaller]) -> None:
    """Note that a notice was read; again changes nothing."""
    citizen.need_active()
    await notices_actions.mark_read(citizen.id, notice_id, at=now())


@get("/quota", operation_id="listNoticeQuotas", status_code=200, responses=refusals(Unauthenticated))
async def list_quotas(citizen: NamedDependency[CitizenCaller]) -> Page[QuotaShown]:
    """Show which messages the mini-program may ask to send, and how many the citizen has allowed."""
    return whole_page([show(QuotaShown, await notices_actions.read_quota(citizen.id))])


@post(
    "/quota",
    operation_id="reportNoticeQuota",
    status_code=200,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined),
)
async def report_quota(data: JSONBody[QuotaAsk], citizen: NamedDependency[CitizenCaller]) -> QuotaShown:
    """Note that the citizen allowed messages on the phone; WeChat itself refuses what was not allowed."""
    citizen.need_active()
    return show(QuotaShown, await notices_actions.add_quota(citizen.id, data.template, data.count))


def _show(notice: ReadableNotice, language: Language) -> NoticeShown:
    title, body = (notice.title_en, notice.body_en) if language == "en" else (notice.title_zh, notice.body_zh)
    return show(NoticeShown, notice, title=title, body=body)


router = Router(
    "/v1/me/notices",
    route_handlers=[list_notices, count_unread, read_notice, list_quotas, report_quota],
    tags=["notice"],
)
ROUTERS = [router]
