"""What is refused of a batch as a whole."""

from __future__ import annotations

from app.kit.errors import InvalidRequest


class TooManyItems(InvalidRequest):
    """A batch holds at most 500 items; send the rest as further batches."""

    code = "too_many_items"
    zh = "每批最多 500 条，其余请分批提交"
