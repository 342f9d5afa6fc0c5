"""What imports and rows in quarantine look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.intake.file.counts import IMPORT_MOVES
from app.intake.file.schemas import ImportSummary, ImportView, QuarantinedView
from app.kit.web.http import ReasonText, show_reason
from app.kit.web.show import show

if TYPE_CHECKING:
    from app.intake.file.queries.quarantine import QuarantinedRow
    from app.intake.file.stored import StoredImport
    from app.kit.web.http import Language


def show_import(stored: StoredImport, language: Language) -> ImportView:
    """Show how far an import has got, and what became of its rows stage by stage."""
    return show(
        ImportView,
        stored,
        allowed_actions=IMPORT_MOVES.allowed(stored.state),
        file_bytes=stored.file_bytes or 0,
        seen_rows=stored.counts.received,
        summary=ImportSummary(**stored.counts.summary),
        stages=stored.counts,
        quarantined=stored.counts.quarantined,
        refusal=None if stored.refusal is None else show_reason(stored.refusal, language),
    )


def show_quarantined(row: QuarantinedRow, language: Language) -> QuarantinedView:
    """Show where in its file a row is that stayed behind, and why."""
    return show(
        QuarantinedView,
        row,
        reason=ReasonText(code=row.reason, text=row.note_zh if language == "zh" else row.note_en),
        column=row.place,
        is_kept=row.row_cipher is not None,
    )
