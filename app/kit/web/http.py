"""How we speak HTTP: wire shapes, problem answers, and their place in OpenAPI."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any, Literal

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec

from app.kit.db.failure import is_passing
from app.kit.errors import (
    BodyTooLarge,
    Forbidden,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refusal,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from app.kit.request.bodies import find_body_refusal
from app.kit.request.fields import iter_field_errors
from app.kit.request.headers import find_header
from app.values.reason import Reason

PROBLEM_MEDIA_TYPE = "application/problem+json"
Language = Literal["zh", "en"]
AnyRequest = Request[Any, Any, State]
TRACE_KEY = "trace_id"
TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
LOG = logging.getLogger("huixin.http")
BETWEEN_REASONS: dict[Language, str] = {"zh": "；", "en": "; "}
# Text with NUL in a query or a header: bodies were looked through before (kit.request.bodies).
UNSTORABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)


class Wire(msgspec.Struct, kw_only=True, rename="camel"):
    """Anything we send: camelCase on the wire, snake_case in Python."""


class Ask(Wire, kw_only=True, forbid_unknown_fields=True):
    """Anything we are sent: a field we do not know is an error."""


class ReasonText(Wire, kw_only=True):
    """One reason, in the reader's language."""

    code: str
    text: str


class FieldProblem(Wire, kw_only=True):
    """What is wrong at one place of the request."""

    pointer: str
    code: str
    detail: str


class Problem(Wire, kw_only=True):
    """Why a request was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    trace_id: str
    errors: list[FieldProblem] = []
    reasons: list[ReasonText] = []


def show_reason(reason: Reason, language: Language) -> ReasonText:
    """Return a reason in the reader's language."""
    return ReasonText(code=reason.code, text=getattr(reason, language))


def language_of(request: AnyRequest) -> Language:
    """Return the reader's language: Chinese unless English is asked for first."""
    wanted = (find_header(request.scope, b"accept-language") or "").strip().lower()
    return "en" if wanted.startswith("en") else "zh"


def trace_id_of(request: AnyRequest) -> str:
    """Return the caller's W3C trace id, or one of our own for this request."""
    state: dict[str, Any] = request.scope.setdefault("state", {})
    if TRACE_KEY not in state:
        given = TRACE_PARENT.fullmatch(find_header(request.scope, b"traceparent") or "")
        state[TRACE_KEY] = given[1] if given else secrets.token_hex(16)
    return str(state[TRACE_KEY])


def refusals(*kinds: type[Refusal]) -> dict[int, ResponseSpec]:
    """Document refusals on a route, grouped by status."""
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status_code, []).append(f"`{kind.code}`: {kind.text('en')}")
    return {
        status: ResponseSpec(
            data_container=Problem,
            description="\n\n".join(lines),
            generate_examples=False,
            media_type=PROBLEM_MEDIA_TYPE,
        )
        for status, lines in sorted(by_status.items())
    }


def answer_refusal(request: AnyRequest, refusal: Refusal) -> Response[Problem]:
    """Answer a refusal."""
    language = language_of(request)
    text = refusal.text(language)
    headers = dict(refusal.headers)
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.status_code == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Bearer"
    problem = Problem(
        type=f"urn:huixin:refusal:{refusal.code}",
        title=text,
        status=refusal.status_code,
        detail=BETWEEN_REASONS[language].join(getattr(reason, language) for reason in refusal.reasons) or text,
        code=refusal.code,
        retryable=refusal.retryable,
        trace_id=trace_id_of(request),
        errors=[FieldProblem(pointer=e.pointer, code=e.code, detail=getattr(e, language)) for e in refusal.errors],
        reasons=[show_reason(reason, language) for reason in refusal.reasons],
    )
    return Response(problem, status_code=refusal.status_code, headers=headers, media_type=PROBLEM_MEDIA_TYPE)


def allow_head(methods: str) -> str:
    """Return what an Allow header says, with HEAD beside GET: kit.web.edge answers it wherever GET is."""
    allowed = [method.strip() for method in methods.split(",")]
    return ", ".join(dict.fromkeys([*allowed, "HEAD"] if "GET" in allowed else allowed))


HTTP_REFUSALS: dict[int, type[Refusal]] = {
    kind.status_code: kind
    for kind in (
        MalformedRequest, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, BodyTooLarge, UnsupportedMediaType,
        RateLimited, InternalError, Unavailable,
    )
}  # fmt: skip


def answer_http_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer the framework's own errors in the same shape; details are ours, never the framework's."""
    if isinstance(error, ValidationException):
        invalid = InvalidRequest(errors=list(iter_field_errors(request, error.extra)))
        return answer_refusal(request, find_body_refusal(request) or invalid)
    kind = HTTP_REFUSALS.get(error.status_code, InternalError if error.status_code >= 500 else MalformedRequest)  # noqa: PLR2004
    headers = {name: allow_head(value) for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return answer_refusal(request, kind(headers=headers))


def answer_bug(request: AnyRequest, error: Exception) -> Response[Problem]:
    """Answer what nobody caught: a database that is away for a moment, a value it cannot hold, or a bug.

    The caller learns nothing of the bug, the log where it happened.
    """
    refusal = _refusal_of(request, error)
    if isinstance(refusal, InternalError | Unavailable | OutcomeUnknown):
        LOG.error("%s, trace %s", refusal.code, trace_id_of(request), exc_info=error)
    return answer_refusal(request, refusal)


def _refusal_of(request: AnyRequest, error: Exception) -> Refusal:
    if isinstance(error, UNSTORABLE):
        return InvalidRequest()
    if not is_passing(error):
        return InternalError()
    # What failed may be the second thing a request did: a repeat of the key says what became of the first.
    return OutcomeUnknown() if "idempotency-key" in request.headers else Unavailable()
