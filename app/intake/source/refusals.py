"""What the register of sources refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kit.errors import Refusal


class SourceTaken(Refusal):
    """A source with this code is registered."""

    code: ClassVar[str] = "source_taken"
    zh: ClassVar[str] = "该来源代码已被登记"


class SourceInvalid(Refusal):
    """The entry does not make sense; the reason says where."""

    code: ClassVar[str] = "source_invalid"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "来源登记内容有误"


class InstitutionUnknown(Refusal):
    """There is no such institution."""

    code: ClassVar[str] = "institution_unknown"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "没有这个机构"
