"""A recomputed score as lines a person can follow, each in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.membership.export import Export
from app.score.book.document import RuleBook
from app.score.book.text import describe_clause
from app.score.current.export import ExportedScore
from app.score.engine.given import Explanation
from app.score.engine.parts import Contribution, compute_level, describe_limit

YES, NO = "是 yes", "否 NO"


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what was computed again is what the file states."""

    value: bool
    level: bool
    inputs_hash: bool

    @property
    def is_full(self) -> bool:
        """Whether all of it agrees."""
        return self.value and self.level and self.inputs_hash


def judge_agreement(stated: ExportedScore, score: Explanation) -> Agreement:
    """Compare a recomputed score with the one a file states."""
    return Agreement(
        value=score.value == stated.value,
        level=score.level == stated.level,
        inputs_hash=score.inputs_hash.hex() == stated.inputs_hash,
    )


def iter_report(export: Export, stated: ExportedScore, score: Explanation, book: RuleBook) -> Iterator[str]:
    """Yield the whole computation: base, every contribution with its clause, adjustments, total, level, agreement."""
    yield f"计分规则 Rule book    {book.code} {book.version} 《{book.title_zh}》 {book.title_en}"
    yield f"截至 As of           {stated.as_of}"
    yield ""
    yield f"{score.base:>+6d}  基础分 Base"
    for contribution in score.contributions:
        yield from _iter_contribution(contribution, export, book)
    for taken in score.adjustments:
        zh, en = describe_limit(taken.code, taken.subject, book)
        year = "" if taken.year is None else f" ({taken.year})"
        yield f"{taken.points:>+6d}  {zh}{year} · {en}{year}"
    level = compute_level(score.value, book.levels)
    yield f"{score.value:>6d}  合计 Total"
    yield ""
    yield f"等级 Level           {score.level} {level.title_zh} {level.title_en}"
    yield from _iter_agreement(stated, score)


def _iter_contribution(contribution: Contribution, export: Export, book: RuleBook) -> Iterator[str]:
    indicator = book.indicator(contribution.indicator)
    yield f"{contribution.points:>+6d}  {describe_clause(indicator, 'zh')}"
    yield f"        {describe_clause(indicator, 'en')}"
    records = {record.id: record for record in export.records}
    for record_id in contribution.record_ids:
        record = records[record_id]
        facts = [str(record.event_on), record.source, record.document, record.grade, record.quantity]
        yield f"        · {' '.join(str(fact) for fact in facts if fact is not None)}  [{record_id}]"
    if contribution.is_repeat:
        yield "        · 再次发生，加倍 a repeat, counted twice"
    if contribution.until is not None:
        yield f"        · 计分至 counts until {contribution.until}"


def _iter_agreement(stated: ExportedScore, score: Explanation) -> Iterator[str]:
    agreement = judge_agreement(stated, score)
    yield f"与文件一致 As the file states: 分值 value {_say(agreement.value)} · 等级 level {_say(agreement.level)}"
    yield f"输入摘要 Inputs hash: {_say(agreement.inputs_hash)}"
    if not agreement.inputs_hash:
        yield f"  文件 file      {stated.inputs_hash}"
        yield f"  复算 computed  {score.inputs_hash.hex()}"
        yield "  计分规则、记录、同意事项或日期与当时不同 the rules, the records, the consents or the day are others"


def _say(is_so: bool) -> str:
    return YES if is_so else NO
