"""What citizens take with them of their score."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from app.citizen.export import ExportPart
from app.kit.web.show import show
from app.record.catalogue import CATALOGUE
from app.score.current.export import ExportedHonour, ExportedScore, RuleBookName
from app.score.current.queries import scores as scores_queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.score.current.queries.scores import NamedSnapshot


async def collect_score(citizen_id: UUID) -> Mapping[str, object]:
    """Return the citizen's score, null without one, and the honours that counted with it, to be taken with them."""
    found = await scores_queries.find_named_snapshot(citizen_id)
    honours = msgspec.json.decode(found.honours or "[]") if found else []
    return {"score": None if found is None else _export(found), "honours": [_export_honour(**one) for one in honours]}


def _export(found: NamedSnapshot) -> ExportedScore:
    book = RuleBookName(code=found.book_code, version=found.book_version, digest=found.book_digest.hex())
    return show(ExportedScore, found, rule_book=book, inputs_hash=(found.inputs_hash or b"").hex())


def _export_honour(code: str, grade: str | None, until: str, **_: Any) -> ExportedHonour:
    honour = CATALOGUE.honours.get(code)
    zh, en = (honour.title_zh, honour.title_en) if honour else (code, code)
    return ExportedHonour(code=code, title_zh=zh, title_en=en, grade=grade, until=date.fromisoformat(until))


EXPORTS = (ExportPart(tables=("score_snapshot",), disclosed=("honours", "score"), collect=collect_score),)
