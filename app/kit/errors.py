"""Refusals: the domain's way to say no, each with a stable code and an HTTP status.

    Refusal                      a request the rules do not allow; never a bug
    ├── Unauthenticated          401
    ├── Forbidden                403
    │   ├── NotJoined            403   a citizen without a verified identity
    │   └── MakerIsChecker       403   two people are needed, and this is the first
    ├── NotFound                 404   unknown, or not yours
    ├── MoveNotAllowed           409   the state of the thing forbids it; each kind of thing has its own
    ├── InvalidRequest           400   the body, a query or a header is not what the page says
    │   ├── MalformedRequest     400   it cannot even be parsed
    │   └── HeaderRepeated       400   a header with two values
    ├── MethodNotAllowed, BodyTooSlow, BodyTooLarge            405, 408, 413
    ├── UnsupportedMediaType, UnsupportedContentEncoding       415
    ├── ETagMissing / ETagStale  428 / 412
    ├── RateLimited              429
    ├── InternalError            500   the one answer that is a bug
    └── Overloaded, Unavailable, OutcomeUnknown, MisconfiguredHere   503

Rooms add their own, in their ``refusals``. The docstring is the English text, ``zh`` the Chinese one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from app.values.fault import Fault
from app.values.moves import Moves
from app.values.reason import Reason


class Refusal(Exception):  # noqa: N818
    """The request is refused."""

    code: ClassVar[str] = "refused"
    status_code: ClassVar[int] = 409
    zh: ClassVar[str] = "请求未被受理"
    retryable: ClassVar[bool] = False
    wait_seconds: ClassVar[int | None] = (
        None  # what Retry-After says unless a refusal is made with another: every 503 has one
    )

    def __init__(
        self,
        *,
        reasons: Sequence[Reason] = (),
        errors: Sequence[Fault] = (),
        retry_after_seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(self.code)
        self.reasons = reasons
        self.errors = errors
        self.retry_after_seconds = self.wait_seconds if retry_after_seconds is None else retry_after_seconds
        self.headers = dict(headers or {})

    @classmethod
    def fault(cls, pointer: str) -> Fault:
        """Say that this is what is wrong at a place of the request."""
        return Fault.at(pointer, cls.code, cls.text("zh"), cls.text("en"))

    @classmethod
    def text(cls, language: str) -> str:
        """Return the sentence for people, ``zh`` or ``en``."""
        return cls.zh if language == "zh" else (cls.__doc__ or cls.code).strip().splitlines()[0]


class Unauthenticated(Refusal):
    """The caller is not known: the token or key is missing, wrong, expired or withdrawn."""

    code = "unauthenticated"
    status_code = 401
    zh = "未登录或凭证无效"


class Forbidden(Refusal):
    """The caller is known but may not do this."""

    code = "forbidden"
    status_code = 403
    zh = "没有权限执行此操作"


class NotJoined(Forbidden):
    """You have not joined yet: verify your identity first."""

    code = "not_joined"
    zh = "尚未完成实名开通"


class MakerIsChecker(Forbidden):
    """Who drafted or submitted this version may not decide on it."""

    code = "maker_is_checker"
    zh = "起草人或提交人不得审核同一版本"


class MoveNotAllowed(Refusal):
    """The state of the thing does not allow this; its ``moves`` say what the state is called.

    What is allowed instead is only said (``says_allowed``) where nothing but the state decides it.
    """

    moves: ClassVar[Moves[Any, Any]]
    says_allowed: ClassVar[bool] = False

    def __init__(self, state: Hashable) -> None:
        explained = [self.moves.describe_state(state)]
        if self.says_allowed:
            explained.append(self.moves.describe_allowed(state))
        super().__init__(reasons=explained)


class NotFound(Refusal):
    """There is no such thing, or it is not yours."""

    code = "not_found"
    status_code = 404
    zh = "不存在，或不属于您"


class InvalidRequest(Refusal):
    """The request is not what this operation understands."""

    code = "invalid_request"
    status_code = 400
    zh = "请求格式不正确"


class MalformedRequest(InvalidRequest):
    """The request could not be parsed."""

    code = "malformed_request"
    zh = "请求无法解析"


class MethodNotAllowed(Refusal):
    """This path does not answer this method."""

    code = "method_not_allowed"
    status_code = 405
    zh = "该地址不支持此方法"


class BodyTooLarge(Refusal):
    """The body is larger than this operation takes."""

    code = "body_too_large"
    status_code = 413
    zh = "请求体过大"


class UnsupportedMediaType(Refusal):
    """This operation takes application/json."""

    code = "unsupported_media_type"
    status_code = 415
    zh = "只支持 application/json"


class UnsupportedContentEncoding(Refusal):
    """Bodies are taken as they are: no Content-Encoding but identity."""

    code = "unsupported_content_encoding"
    status_code = 415
    zh = "请求体不得压缩：Content-Encoding 只接受 identity"

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})  # RFC 9110, 15.5.16: what is taken


class BodyTooSlow(Refusal):
    """The body did not arrive in time; send it again."""

    code = "body_too_slow"
    status_code = 408
    zh = "请求体未能及时送达，请重新发送"
    retryable = True

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close"})


class HeaderRepeated(InvalidRequest):
    """A header that has one value came twice, with different ones."""

    code = "header_repeated"
    zh = "同一请求头出现了两个不同的值"


class StaleCursor(InvalidRequest):
    """The cursor was not issued by this list."""

    code = "invalid_cursor"
    zh = "游标无效"


class IdempotencyKeyInvalid(InvalidRequest):
    """This operation needs an Idempotency-Key header of 16 to 64 visible characters."""

    code = "idempotency_key_invalid"
    zh = "需要 16 至 64 个字符的 Idempotency-Key 请求头"


class IdempotencyKeyReused(Refusal):
    """This Idempotency-Key was used before with another request."""

    code = "idempotency_key_reused"
    status_code = 422
    zh = "该 Idempotency-Key 已用于其他请求"


class ETagMissing(Refusal):
    """An edit or a move needs the If-Match header with the ETag you last saw; `*` names no version."""

    code = "etag_missing"
    status_code = 428
    zh = "编辑或操作时需要 If-Match 请求头，内容为最近读到的 ETag，不能用 *"


class ETagStale(Refusal):
    """Somebody changed this since you read it; read it again."""

    code = "etag_stale"
    status_code = 412
    zh = "内容已被他人修改，请重新读取"


class RateLimited(Refusal):
    """Too many tries; wait before the next one."""

    code = "rate_limited"
    status_code = 429
    zh = "请求过于频繁，请稍后再试"
    retryable = True


class Overloaded(Refusal):
    """The service is at its limit for a moment; nothing was done."""

    code = "overloaded"
    status_code = 503
    wait_seconds = 1
    zh = "系统繁忙，请稍后重试，本次未做任何更改"
    retryable = True


class InternalError(Refusal):
    """Something went wrong on our side."""

    code = "internal_error"
    status_code = 500
    zh = "系统内部错误"


class Unavailable(Refusal):
    """The service cannot answer for a moment; look whether it was done before you try again."""

    code = "unavailable"
    status_code = 503
    wait_seconds = 1
    zh = "系统暂时无法应答，请确认操作是否已生效后再重试"
    retryable = True


class OutcomeUnknown(Refusal):
    """The outcome is not known; repeat the same Idempotency-Key to learn it."""

    code = "outcome_unknown"
    status_code = 503
    wait_seconds = 1
    zh = "结果未知，请用同一 Idempotency-Key 重试以获知结果"
    retryable = True


class OutsideServiceUnavailable(Refusal):
    """A service we depend on did not answer; try again later."""

    code = "outside_service_unavailable"
    status_code = 503
    wait_seconds = 5
    zh = "依赖的外部服务暂不可用，请稍后再试"
    retryable = True


class MisconfiguredHere(Refusal):
    """This city's own settings for an outside service are wrong; its operators are told."""

    code = "misconfigured"
    status_code = 503
    wait_seconds = 60
    zh = "本市系统配置有误，已通知运维人员"
