"""Who lives in the demo city: names, ages and ID numbers nobody has. Pure: the same dice, the same people."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import msgspec

from app.citizen.rules import IdNumber, compute_checksum
from app.sandbox.rules import compute_openid, compute_phone

# No province's code begins with 9 and goes on with 8 or 9 (GB/T 2260; 91 is on permanent residence cards).
AREA_PREFIX = "99"
VISITOR_AREA_PREFIX = "98"
AREAS = 10_000
SEQUENCES = 1_000
AREAS_PER_SEED = 100

AGE_MIN, AGE_MAX = 18, 90
AGES = ((18, 22, 9), (23, 35, 27), (36, 50, 29), (51, 64, 22), (65, 79, 10), (80, 90, 3))
YEAR_DAYS = 365.25
ADULT_DAYS = 6576  # eighteen years, however many leap days lie in them, and one more for those of 29 February
BIRTHDAY_PASSED_DAYS = 7
MEMBER_DAYS_MAX = 420
CAST_SIZE = 64
CAST_AGES = (30, 60)  # old enough for the whole presumption of good faith
BLOOD_CONSENT, MARROW_CONSENT = "pos_blood", "pos_marrow"

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭"
)
LONG_SURNAMES = ("欧阳", "上官", "诸葛", "司徒")
GIVEN = (
    "安邦碧波灿晨诚春翠丹德东帆芳飞芬峰凤刚光桂国海涵瀚航浩和恒红虹鸿华欢慧佳家嘉建健杰洁金锦晶静娟军君俊凯康兰乐磊黎丽"
    "琳玲龙露璐洛茂梅美萌敏明铭娜楠宁佩鹏平萍琪强巧勤青晴庆秋然仁荣蓉瑞珊胜诗世书淑舒爽思松涛婷薇维伟玮文武溪霞祥向晓欣"
    "新星秀雪雅妍岩艳燕阳洋一怡依毅英莹颖勇永宇雨玉昱元月悦云芸泽哲真振正志智中忠珠卓子"
)
FAR_NAMES = ("阿依努尔·买买提", "古丽娜尔·阿不都", "扎西·多吉", "卓玛·央金", "巴特尔·苏和", "迪丽拜尔·艾山")
FAR_NAME_CHANCE, LONG_SURNAME_CHANCE, SHORT_NAME_CHANCE = 0.004, 0.01, 0.22


class DemoPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is not real: who they are on paper, and for how many days they have been a member."""

    number: int
    key: str
    wechat_code: str
    openid: str
    name: str
    id_number: IdNumber
    phone: str
    member_days: int
    separate_consents: tuple[str, ...]


def compute_person(dice: Random, *, seed: int, number: int, today: date) -> DemoPerson:
    """Return the person of a number, from 1 on; the dice decide about everything but identity."""
    code = compute_wechat_code(seed, number)
    youngest, oldest = CAST_AGES if number <= CAST_SIZE else (AGE_MIN, AGE_MAX)
    birth_on = compute_birth(dice, today, youngest=youngest, oldest=oldest)
    area = (seed * AREAS_PER_SEED + number // SEQUENCES) % AREAS
    openid, phone = compute_openid(code), compute_phone(f"demo-phone-citizen-{seed}-{number}")
    assert openid is not None
    assert phone is not None
    return DemoPerson(
        number=number,
        key=f"{seed}-{number:05d}",
        wechat_code=code,
        openid=openid,
        name=compute_name(dice),
        id_number=make_id_number(f"{AREA_PREFIX}{area:04d}", birth_on, number % SEQUENCES),
        phone=phone.number,
        member_days=dice.randrange(min(MEMBER_DAYS_MAX, (today - birth_on).days - ADULT_DAYS)),
        separate_consents=_draw_consents(dice),
    )


def compute_wechat_code(seed: int, number: int) -> str:
    """Return the login code the sandbox knows a person by."""
    return f"demo-citizen-{number:05d}" if seed == 1 else f"demo-citizen-{seed}-{number:05d}"


def compute_birth(dice: Random, today: date, *, youngest: int, oldest: int) -> date:
    """Return the birth date of an adult of between these ages on a day; their last birthday is some days ago."""
    bands = [(max(low, youngest), min(high, oldest), weight) for low, high, weight in AGES]
    bands = [band for band in bands if band[0] <= band[1]]
    low, high, _ = dice.choices(bands, [weight for _, _, weight in bands])[0]
    days = int(dice.randint(low, high) * YEAR_DAYS) + BIRTHDAY_PASSED_DAYS
    return today - timedelta(days=days + dice.randrange(365 - BIRTHDAY_PASSED_DAYS))


def compute_name(dice: Random) -> str:
    """Return a name as people here have them."""
    if dice.random() < FAR_NAME_CHANCE:
        return dice.choice(FAR_NAMES)
    surname = dice.choice(LONG_SURNAMES if dice.random() < LONG_SURNAME_CHANCE else SURNAMES)
    return surname + "".join(dice.choices(GIVEN, k=1 if dice.random() < SHORT_NAME_CHANCE else 2))


def make_id_number(area: str, birth_on: date, sequence: int) -> IdNumber:
    """Return the ID number of an area, a birth date and a sequence number, with its check character."""
    seventeen = f"{area}{birth_on:%Y%m%d}{sequence:03d}"
    return IdNumber(number=seventeen + compute_checksum(seventeen), birth_on=birth_on, district=area)


def compute_visitor_number(dice: Random, birth_on: date) -> str:
    """Return an ID number of the other unassigned area, for people who join during the tour."""
    area = f"{VISITOR_AREA_PREFIX}{dice.randrange(AREAS):04d}"
    return make_id_number(area, birth_on, dice.randrange(SEQUENCES)).number


def _draw_consents(dice: Random) -> tuple[str, ...]:
    """Half of the people let gifts of blood count, few have thought about stem cells."""
    drawn = ((BLOOD_CONSENT, 0.5), (MARROW_CONSENT, 0.05))
    return tuple(purpose for purpose, chance in drawn if dice.random() < chance)
