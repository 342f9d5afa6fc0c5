"""The consent texts in force at the start, Chinese and English; a changed text is a new version in a new migration."""

from typing import NamedTuple

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0007"
DESCRIPTION = "consent texts"
PUBLISHED_AT = "2025-01-01T00:00:00+08:00"


class ConsentText(NamedTuple):
    """What is asked for: a title and a body of a few sentences, in both languages."""

    purpose: str
    is_required: bool
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


TEXTS = (
    ConsentText(
        purpose="join",
        is_required=True,
        title_zh="开通个人信用分",
        title_en="Opting in to the personal credit score",
        body_zh=(
            "个人信用分完全自愿，不开通不影响您办理任何公共服务。"
            "开通后，市信用中心依据公开的计分规则，用与您有关的信用记录计算您的信用分和等级，并向您逐条说明每一分的来源。"
            "分数和等级只有您本人能看到；"
            "商户和单位扫描您出示的信用码时，只会得知您可享受哪些激励措施，需要时加上隐去名字的姓名，不会得知分数、等级或不符合的原因。"
            "每一次查询都会记入查询记录，供您随时查看。"
            "您可以随时注销：注销当场生效，您的身份信息、信用记录和分数随即删除；"
            "为防止重复领取限量的激励措施，加密标记保留一年；"
            "已完成的核销只以无法识别您的编号留存。"
        ),
        body_en=(
            "The personal credit score is voluntary; without it every public service stays open to you. If you "
            "join, the city's credit centre computes your score and level from the records about you, by a "
            "published rule book, and tells you where every point comes from. Only you see score and level. An "
            "institution that scans the code you show learns which of its benefits you may have and, where "
            "needed, your masked name: never the score, the level, or why something does not apply. Every look is "
            "written in your access log. You can leave at any time, effective at once: your identity, records and "
            "score are deleted, a keyed mark is kept for one year so that limited benefits are not drawn twice, "
            "and what you redeemed stays under a number that no longer tells who you were."
        ),
    ),
    ConsentText(
        purpose="sensitive_information",
        is_required=True,
        title_zh="处理身份证号码等敏感个人信息",
        title_en="Processing sensitive personal information (ID number)",
        body_zh=(
            "为确认您是年满十八周岁的本人，我们需要您的姓名、居民身份证号码和微信绑定的手机号，并将这三项发送给身份核验服务机构比对是否一致；"
            "核验机构只返回是否一致。"
            "上述信息加密保存，仅用于确认身份、匹配属于您的信用记录以及防止他人冒用，不用于其他目的，也不向扫码的商户或单位提供身份证号码和手机号。"
            "您注销后，这些信息随即销毁。"
            "如不同意，将无法开通信用分，但不影响其他服务。"
        ),
        body_en=(
            "To be sure that you are who you say and at least eighteen, we need your name, your resident ID "
            "number and the phone number bound to your WeChat, and send these three to an identity provider that "
            "answers only whether they belong together. They are stored encrypted and used only to confirm your "
            "identity, to find the records that are yours and to keep others from posing as you; no institution "
            "that scans your code is given your ID number or phone. They are destroyed when you leave. Without "
            "this consent you cannot have a score; nothing else is affected."
        ),
    ),
    ConsentText(
        purpose="pos_blood",
        is_required=False,
        title_zh="将无偿献血记录计入信用分（可选）",
        title_en="Counting blood donations in the score (optional)",
        body_zh=(
            "如果您愿意，我们可以把您的无偿献血次数和日期作为加分记录。"
            "我们不接收也不保存血型、检验结果等任何医疗信息。"
            "这项同意与开通信用分相互独立：不同意不扣分，也不影响您享受任何激励措施和公共服务。"
            "您可以随时撤回，撤回后这些记录立即不再计分。"
        ),
        body_en=(
            "If you wish, we count how often and when you donated blood as positive records. We neither receive "
            "nor keep any medical information such as blood group or test results. This is separate from joining: "
            "saying no costs no points and nothing else. You can withdraw at any time, and these records stop "
            "counting at once."
        ),
    ),
    ConsentText(
        purpose="pos_marrow",
        is_required=False,
        title_zh="将造血干细胞捐献记录计入信用分（可选）",
        title_en="Counting stem-cell donation in the score (optional)",
        body_zh=(
            "如果您愿意，我们可以把您捐献造血干细胞这一事实和日期作为加分记录。"
            "我们不接收也不保存配型、受捐者或任何医疗信息。"
            "这项同意与开通信用分相互独立：不同意不扣分，也不影响您享受任何激励措施和公共服务。"
            "您可以随时撤回，撤回后该记录立即不再计分。"
        ),
        body_en=(
            "If you wish, we count the fact and the date that you donated stem cells as a positive record. We "
            "neither receive nor keep anything about matching, the recipient, or any medical information. This is "
            "separate from joining: saying no costs no points and nothing else. You can withdraw at any time, and "
            "the record stops counting at once."
        ),
    ),
)


def quote(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


ROWS = ",\n".join(
    f"({quote(text.purpose)}, 1, {str(text.is_required).lower()}, {quote(text.title_zh)}, {quote(text.title_en)},"
    f" {quote(text.body_zh)}, {quote(text.body_en)}, {quote(PUBLISHED_AT)})"
    for text in TEXTS
)
COLUMNS = "purpose, version, is_required, title_zh, title_en, body_zh, body_en, published_at"
SQL = f"INSERT INTO consent_text ({COLUMNS}) VALUES\n{ROWS};"


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
