"""What the routes of drafts share: who may do what, and a rule book as an answer with its ETag."""

from __future__ import annotations

from litestar import Response

from app.kit.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from app.kit.request.etag import compute_etag
from app.score.draft.queries import StoredBook
from app.score.draft.schemas import BookView
from app.score.draft.views import show_draft

# All of them are the centre's; an institution's editors are refused. Editors and reviewers write, reviewers decide on
# what others wrote, auditors read.
READERS = {"roles": ["editor", "reviewer", "auditor"]}
WRITERS = {"roles": ["editor", "reviewer"]}
REVIEWER = {"roles": ["reviewer"]}
BODY_BYTES_MAX = 512 * 1024
READING = (InvalidRequest, Unauthenticated, Forbidden, NotFound)


def answer_book(row: StoredBook, status_code: int = 200) -> Response[BookView]:
    """Answer a rule book with its ETag."""
    return Response(show_draft(row), status_code=status_code, headers={"ETag": compute_etag(row.revision)})
