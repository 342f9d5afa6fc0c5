"""Reports for the terminal, in lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from app.intake.file.counts import ImportCounts
from app.intake.quality.signs import SIGNS, Quality, Sign

STAGES = ("clean", "match", "link", "sync", "distribute")
QUALITY_HEADER = f"{'source':<24}{'received':>12}{'late ‰':>9}{'held ‰':>9}{'before ‰':>10}"


def describe_counts(counts: ImportCounts) -> list[str]:
    """Return what became of the rows of a file: in sum, by reason, and stage by stage."""
    lines = [f"{name:<14}{number:>12,}" for name, number in counts.summary.items()]
    lines += [f"  {reason:<30}{number:>12,}" for reason, number in sorted(counts.quarantined.items())]
    stages = msgspec.to_builtins(counts)
    for stage in STAGES:
        numbers = ", ".join(f"{name} {number:,}" for name, number in stages[stage].items() if isinstance(number, int))
        lines.append(f"{stage:<12}{numbers}")
    return lines


def describe_quality(source: str, total: Quality, before: Quality, signs: Iterable[Sign]) -> list[str]:
    """Return how a source fared, under ``QUALITY_HEADER``, with every reason that held rows back."""
    bad = "; ".join(SIGNS[sign.code].en for sign in signs)
    line = (
        f"{source:<24}{total.received:>12,}{total.late_permille:>9}{total.quarantined_permille:>9}"
        f"{before.quarantined_permille:>10}"
    )
    reasons = [f"    {reason:<32}{number:>12,}" for reason, number in sorted(total.quarantined.items())]
    return [f"{line}  TURNED BAD: {bad}" if bad else line, *reasons]
