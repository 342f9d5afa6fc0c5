"""What would help a citizen."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.di import NamedDependency

from app.campaign.hints.actions import Hints, name_institution, read_hints
from app.campaign.hints.openings import ActionHint, BenefitHint, Burden
from app.campaign.hints.schemas import ActionHintView, BenefitHintView, BurdenView, HintLevel, HintsView, NextLevelHint
from app.kit.clock import now
from app.kit.errors import NotJoined, RateLimited, Unauthenticated
from app.kit.outside.rate_limit import LocalLimit
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals, show_reason
from app.kit.web.show import show
from app.score.book.document import Level, RuleIndicator
from app.score.current.refusals import NoScore

HINTS_PER_MINUTE_MAX = 12
HINTS_LIMIT = LocalLimit("hints", HINTS_PER_MINUTE_MAX, 60)
NO_STORE = {"Cache-Control": "no-store"}


@get(
    "/hints",
    operation_id="readScoreHints",
    status_code=200,
    responses=refusals(Unauthenticated, NotJoined, NoScore, RateLimited),
)
async def read_score_hints(request: AnyRequest, citizen: NamedDependency[CitizenCaller]) -> Response[HintsView]:
    """Tell how far the next level is, which benefits a higher score opens, and what you could do about it.

    Only what a person can decide is named, never to buy anything, and what it would add is what the engine answers for
    your own records: what is full already is not suggested.
    """
    citizen.need_active()
    limits = HINTS_LIMIT.hit(citizen.id)
    hints = await read_hints(citizen.id, at=now())
    return Response(_show(hints, language_of(request)), headers=limits | NO_STORE)


def _show(hints: Hints, language: Language) -> HintsView:
    above = hints.next_level
    return HintsView(
        value=hints.score,
        level=HintLevel(code=hints.level.code, title=_title(hints.level, language)),
        next=None
        if above is None
        else NextLevelHint(level=above.code, title=_title(above, language), points_needed=above.at_least - hints.score),
        text=_describe_distance(hints, language),
        benefits=[_show_benefit(hint, hints, language) for hint in hints.benefits],
        actions=[_show_action(hint, language) for hint in hints.actions],
        burdens=[_show_burden(burden, language) for burden in hints.burdens],
    )


def _describe_distance(hints: Hints, language: Language) -> str:
    if hints.next_level is None:
        title = _title(hints.level, language)
        return f"您已是最高等级：{title}" if language == "zh" else f"You are at the highest level: {title}"
    gap, title = hints.next_level.at_least - hints.score, _title(hints.next_level, language)
    return f"距{title}还差{gap}分" if language == "zh" else f"{gap} {'point' if gap == 1 else 'points'} to {title}"


def _show_benefit(hint: BenefitHint, hints: Hints, language: Language) -> BenefitHintView:
    return show(
        BenefitHintView,
        hint.benefit,
        institution=name_institution(hint.benefit),
        points_needed=hint.opens_at - hints.score,
        opens_at_next_level=hints.next_level is not None and hint.opens_at <= hints.next_level.at_least,
        reasons=[show_reason(reason, language) for reason in hint.reasons],
    )


def _show_action(hint: ActionHint, language: Language) -> ActionHintView:
    needs_consent = hint.points is None
    text = hint.actionable.how_zh if language == "zh" else hint.actionable.how_en
    unit = hint.actionable.unit_zh if language == "zh" else hint.actionable.unit_en
    if needs_consent:
        text = (
            "须您单独同意才会计分，是否同意由您决定"
            if language == "zh"
            else "It counts only with your separate consent, which is yours to give or not"
        )
    return show(
        ActionHintView,
        hint,
        indicator=hint.indicator.code,
        title=_title(hint.indicator, language),
        unit=unit or None,
        needs_consent=hint.indicator.code.lower() if needs_consent else None,
        text=text,
    )


def _show_burden(burden: Burden, language: Language) -> BurdenView:
    if language == "zh":
        end = f"自{burden.ends_on}起自动停止计分" if burden.ends_on else "了结之日起立即停止计分"
        text = f"{end}；也可申请信用修复，修复后立即不再计分"
    else:
        end = f"It stops counting by itself on {burden.ends_on}" if burden.ends_on else "It stops once it is settled"
        text = f"{end}; you may also ask for credit repair, and what is repaired no longer counts at once"
    return show(
        BurdenView, burden, indicator=burden.indicator.code, title=_title(burden.indicator, language), text=text
    )


def _title(part: Level | RuleIndicator, language: Language) -> str:
    return part.title_zh if language == "zh" else part.title_en


router = Router("/v1/me/score", route_handlers=[read_score_hints], tags=["campaign"])
