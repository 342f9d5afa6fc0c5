"""What a campaign may not say: sizes, unknown words, and grants that contradict each other.

What a single field may hold (lengths, ranges, the six kinds) is in its type; here is what only the whole shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from app.campaign.terms.document import Benefit, CampaignDocument
from app.campaign.terms.eligibility import AgeBetween, AllOf, AnyOf, Eligibility, HasHonour, LevelAtLeast
from app.campaign.terms.flags import find_flags, judge_flags
from app.campaign.terms.grant import AmountOff, Combine, Grant, PercentOff, Steps
from app.campaign.terms.ladder import judge_ladder
from app.record.catalogue import CATALOGUE
from app.score.book.document import Level
from app.values.fault import Fault

CAMPAIGN_DAYS_MAX = 5 * 366
BENEFITS_MAX = 20
STORES_MAX = 500
TREE_DEPTH_MAX = 4
TREE_WIDTH_MIN = 1
TREE_WIDTH_MAX = 8
TREE_CLAUSES_MAX = 32


class Scenario(msgspec.Struct, frozen=True):
    """Where benefits are used (应用场景), to what use, and what a benefit there owes."""

    code: str
    title_zh: str
    title_en: str
    use: str
    needs_name: bool
    needs_without_score: bool


def judge_document(
    document: CampaignDocument, scenarios: Mapping[str, Scenario], levels: Mapping[str, Level], at: datetime
) -> list[Fault]:
    """Return everything that is wrong with a document at an instant; of a good one an empty list.

    ``levels`` are those of the rule book in force, by their codes.
    """
    faults = list(_judge_period(document, at))
    if not 1 <= len(document.benefits) <= BENEFITS_MAX:
        faults.append(
            Fault.at(
                "/benefits", "benefits_count", f"激励措施数量须为1至{BENEFITS_MAX}", f"1 to {BENEFITS_MAX} benefits"
            )
        )
        return faults
    codes = [benefit.code for benefit in document.benefits]
    for index, benefit in enumerate(document.benefits):
        pointer = f"/benefits/{index}"
        if benefit.code in codes[:index]:
            faults.append(
                Fault.at(f"{pointer}/code", "benefit_code_repeated", "激励措施代码重复", "the code is used twice")
            )
        faults.extend(_judge_scenario(benefit, scenarios, pointer))
        faults.extend(_judge_stores(benefit, pointer))
        faults.extend(judge_terms(benefit.eligibility, benefit.grant, levels, pointer))
    return faults + judge_flags(find_flags(document))


def judge_terms(eligibility: Eligibility, grant: Grant, levels: Mapping[str, Level], pointer: str) -> list[Fault]:
    """Return what is wrong with an eligibility and its grant; the ladder is judged only in a tree of allowed size."""
    faults = list(_judge_tree(eligibility, levels, f"{pointer}/eligibility"))
    faults.extend(_judge_grant(grant, f"{pointer}/grant"))
    return faults or judge_ladder(eligibility, grant, levels, pointer)


def _judge_period(document: CampaignDocument, at: datetime) -> Iterator[Fault]:
    if document.ends_at <= document.starts_at:
        yield Fault.at("/endsAt", "period_empty", "结束时间须晚于开始时间", "the end must be after the start")
    elif document.ends_at - document.starts_at > timedelta(days=CAMPAIGN_DAYS_MAX):
        yield Fault.at("/endsAt", "period_too_long", f"最长{CAMPAIGN_DAYS_MAX}天", f"at most {CAMPAIGN_DAYS_MAX} days")
    if document.ends_at <= at:
        yield Fault.at("/endsAt", "period_over", "结束时间已过", "the end has passed")


def _judge_scenario(benefit: Benefit, scenarios: Mapping[str, Scenario], pointer: str) -> Iterator[Fault]:
    scenario = scenarios.get(benefit.scenario)
    if scenario is None:
        yield Fault.at(f"{pointer}/scenario", "scenario_unknown", "没有这个应用场景", "there is no such scenario")
    elif scenario.needs_without_score and benefit.without_score is None:
        yield Fault.at(
            f"{pointer}/withoutScore",
            "without_score_missing",
            f"{scenario.title_zh}场景须写明没有信用分时如何办理",
            f"{scenario.title_en}: say what everyone gets without a score",
        )


def _judge_stores(benefit: Benefit, pointer: str) -> Iterator[Fault]:
    if benefit.stores is not None and not 1 <= len(benefit.stores) <= STORES_MAX:
        yield Fault.at(
            f"{pointer}/stores", "stores_count", f"网点数量须为1至{STORES_MAX}，全部网点请留空",
            f"1 to {STORES_MAX} stores; leave it out for all of them",
        )  # fmt: skip


def _judge_tree(root: Eligibility, levels: Mapping[str, Level], pointer: str) -> Iterator[Fault]:
    """Walk with a stack of our own, no deeper than allowed: a stranger's tree must not exhaust Python's stack."""
    stack, clauses = [(root, pointer, 1)], 0
    while stack:
        clause, where, depth = stack.pop()
        clauses += 1
        if depth > TREE_DEPTH_MAX:
            yield Fault.at(where, "tree_too_deep", f"条件最多{TREE_DEPTH_MAX}层", f"at most {TREE_DEPTH_MAX} levels")
        elif isinstance(clause, AllOf | AnyOf):
            if len(clause.of) < TREE_WIDTH_MIN:  # "all of nothing" would be everybody, "any of nothing" nobody
                zh, en = f"并列条件至少{TREE_WIDTH_MIN}个", f"at least {TREE_WIDTH_MIN} clause side by side"
                yield Fault.at(f"{where}/of", "tree_empty", zh, en)
            elif len(clause.of) > TREE_WIDTH_MAX:
                zh, en = f"并列条件最多{TREE_WIDTH_MAX}个", f"at most {TREE_WIDTH_MAX} clauses side by side"
                yield Fault.at(f"{where}/of", "tree_too_wide", zh, en)
            else:
                stack.extend((part, f"{where}/of/{index}", depth + 1) for index, part in enumerate(clause.of))
        else:
            yield from _judge_leaf(clause, levels, where)
    if clauses > TREE_CLAUSES_MAX:
        yield Fault.at(
            pointer, "tree_too_large", f"条件最多{TREE_CLAUSES_MAX}个", f"at most {TREE_CLAUSES_MAX} clauses"
        )


def _judge_leaf(clause: Eligibility, levels: Mapping[str, Level], where: str) -> Iterator[Fault]:
    match clause:
        case LevelAtLeast() if clause.level not in levels:
            zh, en = "现行计分规则中没有这个等级", "the rule book in force has no such level"
            yield Fault.at(f"{where}/level", "level_unknown", zh, en)
        case HasHonour():
            yield from _judge_honour(clause, where)
        case AgeBetween() if clause.min is None and clause.max is None:
            yield Fault.at(where, "age_range_empty", "年龄须有上限或下限", "give min, max or both")
        case AgeBetween() if clause.min is not None and clause.max is not None and clause.min > clause.max:
            yield Fault.at(where, "age_range_empty", "年龄下限不得高于上限", "min must not be above max")


def _judge_honour(clause: HasHonour, where: str) -> Iterator[Fault]:
    honour = CATALOGUE.honours.get(clause.honour)
    if honour is None:
        yield Fault.at(
            f"{where}/honour", "honour_unknown", "荣誉目录中没有这个荣誉", "the catalogue has no such honour"
        )
    elif clause.grade_at_least is not None and clause.grade_at_least not in honour.grades:
        zh, en = f"“{honour.title_zh}”没有这个等级", f"“{honour.title_en}” has no such grade"
        yield Fault.at(f"{where}/gradeAtLeast", "honour_grade_unknown", zh, en)


def _judge_grant(grant: Grant, where: str) -> Iterator[Fault]:
    parts = (
        [(step.grant, f"{where}/steps/{n}/grant") for n, step in enumerate(grant.steps)]
        if isinstance(grant, Steps)
        else [(grant, where)]
    )
    for part, pointer in parts:
        if isinstance(part, Combine) and sum(isinstance(one, PercentOff | AmountOff) for one in part.of) > 1:
            zh, en = "组合中最多一项减免金额", "at most one part may take money off"
            yield Fault.at(f"{pointer}/of", "discounts_conflict", zh, en)
