"""The strong ETag of what officials edit: a revision, which every change raises."""

from __future__ import annotations

from typing import Annotated

from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

ETAG = [ResponseHeader(name="ETag", documentation_only=True, description="What an edit sends as `If-Match`.")]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=200, description="The ETag last seen; an edit needs it."),
]


def compute_etag(revision: int) -> str:
    """Return the ETag of a revision."""
    return f'"{revision}"'


def is_etag_current(if_match: str, revision: int) -> bool:
    """Whether an If-Match header names a revision, or any; a weak tag never matches (RFC 9110, 13.1.1)."""
    tags = [tag.strip() for tag in if_match.split(",")]
    return "*" in tags or compute_etag(revision) in tags
