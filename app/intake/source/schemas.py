"""The register of sources on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.intake.source.mapping import Mapping
from app.kit.web.http import Ask, Wire
from app.values.patterns import SOURCE_CHARACTERS_MAX

TITLE_CHARACTERS_MAX = 100
CODES_MAX = 500

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARACTERS_MAX)]
Codes = Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=CODES_MAX)]


class SourceContent(Ask, kw_only=True):
    """What is registered of a source.

    Without a mapping our own names of columns are taken for granted; without a list of indicators or honours it may
    report all of them.
    """

    title_zh: Title
    title_en: Title
    institution_id: UUID | None = None
    mapping: Mapping | None = None
    indicators: Codes | None = None
    honours: Codes | None = None


class SourceRequest(SourceContent, kw_only=True):
    """A source to register: 2 to 40 of a-z 0-9 _ . - as its code."""

    code: Annotated[str, msgspec.Meta(max_length=SOURCE_CHARACTERS_MAX)]


class SourceView(Wire):
    """A source as registered."""

    code: str
    title_zh: str
    title_en: str
    institution_id: UUID | None
    mapping: Mapping
    indicators: list[str] | None
    honours: list[str] | None
    revision: int
    created_at: datetime
