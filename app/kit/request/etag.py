"""The strong ETag of what officials edit and move: a revision, which every change raises."""

from __future__ import annotations

from typing import Annotated, TypeVar

from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

from app.kit.errors import ETagMissing, ETagStale
from app.values.reason import Reason

View = TypeVar("View")
ANY = "*"
ETAG = [ResponseHeader(name="ETag", documentation_only=True, description="What an edit or a move sends as `If-Match`.")]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=200, description="The ETag last seen; an edit or a move needs it."),
]

# Some proxies change a tag from strong to weak when they compress or rewrite an answer on its way.
WEAKENED = Reason(
    code="etag_weakened",
    zh="If-Match 中是弱标签（W/），多半由中间的代理改写；请原样发送本服务给出的强标签，"
    "并请运维人员关闭代理对响应的压缩或改写",
    en="If-Match holds a weak tag (W/): a proxy on the way rewrote ours. Send the strong tag as we gave it, and have "
    "the proxy leave our answers as they are.",
)


def compute_etag(revision: int) -> str:
    """Return the ETag of a revision."""
    return f'"{revision}"'


def answer_with_etag(view: View, revision: int, status_code: int = 200) -> Response[View]:
    """Answer something together with the ETag of the revision that is shown."""
    return Response(view, status_code=status_code, headers={"ETag": compute_etag(revision)})


def is_etag_current(if_match: str, revision: int) -> bool:
    """Whether an If-Match header names a revision; a weak tag never matches (RFC 9110, 13.1.1)."""
    return compute_etag(revision) in [tag.strip() for tag in if_match.split(",")]


def need_etag(if_match: str | None, revision: int) -> None:
    """Refuse an edit or a move that does not name the revision it was read at; ``*`` names none."""
    if if_match is None or if_match.strip() == ANY:
        raise ETagMissing
    if not is_etag_current(if_match, revision):
        raise ETagStale(reasons=[WEAKENED] if is_weak(if_match) else [])


def is_weak(if_match: str) -> bool:
    """Whether an If-Match header holds a weak tag."""
    return any(tag.strip().startswith("W/") for tag in if_match.split(","))
