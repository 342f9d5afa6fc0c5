"""Who lives in the demo city: names, ages and ID numbers nobody has. Pure: of a seed always the same people.

People are numbered from 1 and come in blocks of a thousand; the papers of a block are the same whatever else is made.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import lru_cache
from itertools import accumulate
from math import ceil
from pathlib import Path
from random import Random

import msgspec

from app.citizen.paper import CHECKSUM_CHARACTERS, CHECKSUM_WEIGHTS, IdNumber, compute_checksum
from app.sandbox.answers import compute_openid, compute_phone

DATA_FOLDER = Path(__file__).parent / "data"
BLOCK = 1000  # the last three digits of an ID number before its check character distinguish the people of a block
BLOCKS_MAX = 6_000  # so that nobody shares an ID number: see compute_papers
CITIZENS_MAX = 5_000_000
SEED_MAX = 99  # each seed has an area code of its own

# No province's code begins with 9 and goes on with 8 or 9 (GB/T 2260; 91 is on permanent residence cards).
AREA_PREFIX = "99"
VISITOR_AREA_PREFIX = "98"
CAST_DISTRICT = "00"  # in GB/T 2260 the city as a whole
AREAS, SEQUENCES = 10_000, 1_000

CENSUS_ON = date(2026, 1, 1)  # when the ages below were taken: an ID number does not change with the calendar
AGE_MIN, AGE_MAX = 18, 95
AGES = ((18, 22, 9), (23, 35, 27), (36, 50, 29), (51, 64, 22), (65, 79, 10), (80, 95, 3))
YEAR_DAYS = 365.25
CAST_SIZE = 64
CAST_AGES = (30, 60)  # old enough for the whole presumption of good faith
ACCOUNT_NUMBERS = 10**9
ACCOUNT_STRIDE = 387_420_489  # has no divisor in common with it
CITIZENS_OF_A_SEED = 10**7
GOLDEN_RATIO = 0.6180339887498949

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
SURNAME_LIST = (*SURNAMES, *LONG_SURNAMES)
# The first surnames are borne by far more people than the last ones.
SURNAME_WEIGHTS = tuple(
    accumulate([1 / (rank + 6) for rank in range(len(SURNAMES))] + [LONG_SURNAME_CHANCE / len(LONG_SURNAMES)] * 4)
)


class District(msgspec.Struct, frozen=True):
    """A district of the city: the last two digits of its code, its name, and how many of a hundred live there."""

    code: str
    name: str
    weight: int


class Paper(msgspec.Struct, frozen=True):
    """What is written on somebody's ID card; ``born`` is the ordinal of the birth date."""

    name: str
    number: str
    born: int

    @property
    def id_number(self) -> IdNumber:
        """The number with what can be read from it."""
        return IdNumber(number=self.number, birth_on=date.fromordinal(self.born), district=self.number[:6])


class Account(msgspec.Struct, frozen=True):
    """Somebody at WeChat: openid and phone."""

    openid: str
    phone: str


def read_districts() -> tuple[District, ...]:
    """Read the districts of the city."""
    rows = csv.DictReader((DATA_FOLDER / "districts.csv").read_text(encoding="utf-8").splitlines())
    return tuple(msgspec.convert(list(rows), list[District], strict=False))


DISTRICTS = read_districts()
DISTRICT_CODES = tuple(district.code for district in DISTRICTS)
DISTRICT_WEIGHTS = tuple(accumulate(district.weight for district in DISTRICTS))


def compute_area(seed: int, district: str) -> str:
    """Return the six-digit code of a district; every seed is a prefecture of its own, and none is assigned."""
    return f"{AREA_PREFIX}{seed:02d}{district}"


@lru_cache(maxsize=256)
def compute_papers(seed: int, block: int) -> list[Paper]:
    """Return the papers of a block: numbers ``block * BLOCK + 1`` on.

    Nobody shares an ID number. Within a block the sequence numbers differ. From block to block the birth date of a
    place moves on by the golden ratio through the city's ages, which keeps the dates of any ``BLOCKS_MAX`` blocks at
    least a day apart.
    """
    dice = Random(f"papers {seed} {block}")
    names = _draw_names(dice)
    districts = dice.choices(DISTRICT_CODES, cum_weights=DISTRICT_WEIGHTS, k=BLOCK)
    born = [_compute_born(_move(offset, block)) for offset in _draw_offsets(seed)]
    if block == 0:
        low, high = _compute_share(CAST_AGES[0]), _compute_share(CAST_AGES[1])
        districts[:CAST_SIZE] = [CAST_DISTRICT] * CAST_SIZE
        born[:CAST_SIZE] = [_compute_born(low + (high - low) * dice.random()) for _ in range(CAST_SIZE)]
    return [
        Paper(names[place], _write_number(seed, districts[place], born[place], place), born[place])
        for place in range(BLOCK)
    ]


def find_paper(seed: int, number: int) -> Paper:
    """Return the papers of one person."""
    return compute_papers(seed, (number - 1) // BLOCK)[(number - 1) % BLOCK]


def find_account(seed: int, number: int) -> Account:
    """Return one person's openid and phone at WeChat."""
    openid = compute_openid(compute_wechat_code(seed, number))
    phone = compute_phone(f"demo-phone-citizen-{seed}-{number}")
    assert openid is not None
    assert phone is not None
    return Account(openid, phone.number)


def list_births(*, seed: int, place: int) -> list[int]:
    """Return the birth dates, as ordinals, of those who share a sequence number: one person of each block."""
    offset = _draw_offsets(seed)[place]
    return [_compute_born(_move(offset, block)) for block in range(BLOCKS_MAX)]


def compute_wechat_code(seed: int, number: int) -> str:
    """Return the login code the sandbox knows a person by."""
    return f"demo-citizen-{number:05d}" if seed == 1 else f"demo-citizen-{seed}-{number:05d}"


def compute_account_number(seed: int, number: int) -> int:
    """Return the account number of a person: no two of all seeds have the same, and neighbours are far apart."""
    return (seed * CITIZENS_OF_A_SEED + number) * ACCOUNT_STRIDE % ACCOUNT_NUMBERS


def make_id_number(area: str, birth_on: date, sequence: int) -> IdNumber:
    """Return the ID number of an area, a birth date and a sequence number, with its check character."""
    seventeen = f"{area}{birth_on:%Y%m%d}{sequence:03d}"
    return IdNumber(number=seventeen + compute_checksum(seventeen), birth_on=birth_on, district=area)


def compute_visitor_number(dice: Random, birth_on: date) -> str:
    """Return an ID number of the other unassigned area, for people who join during the tour."""
    area = f"{VISITOR_AREA_PREFIX}{dice.randrange(AREAS):04d}"
    return make_id_number(area, birth_on, dice.randrange(SEQUENCES)).number


def _draw_names(dice: Random) -> list[str]:
    surnames = dice.choices(SURNAME_LIST, cum_weights=SURNAME_WEIGHTS, k=BLOCK)
    given = dice.choices(GIVEN, k=2 * BLOCK)
    lots = [dice.random() for _ in range(BLOCK)]
    return [
        FAR_NAMES[int(lot * 1e6) % len(FAR_NAMES)]
        if lot < FAR_NAME_CHANCE
        else surname + (first if lot > 1 - SHORT_NAME_CHANCE else first + second)
        for lot, surname, first, second in zip(lots, surnames, given[:BLOCK], given[BLOCK:], strict=True)
    ]


@lru_cache(maxsize=8)
def _draw_offsets(seed: int) -> list[float]:
    dice = Random(f"offsets {seed}")
    return [dice.random() for _ in range(BLOCK)]


def _move(offset: float, block: int) -> float:
    return (offset + block * GOLDEN_RATIO) % 1


def _compute_born(share: float) -> int:
    """Return the birth date of whom a share of the city is younger than, as an ordinal."""
    left = share * 100
    for low, high, weight in AGES:
        if left < weight:
            days = (low + (high + 1 - low) * left / weight) * YEAR_DAYS
            return CENSUS_ON.toordinal() - ceil(days)
        left -= weight
    raise AssertionError(share)


def _compute_share(age: int) -> float:
    """Return which share of the city is younger than an age."""
    return sum(weight * min(max((age - low) / (high + 1 - low), 0), 1) for low, high, weight in AGES) / 100


def _write_number(seed: int, district: str, born: int, sequence: int) -> str:
    """Write an ID number from its parts; what each adds to the checksum was computed before."""
    area, area_sum = _write_area(seed, district)
    day, day_sum = _write_day(born)
    tail = f"{sequence:03d}"
    return f"{area}{day}{tail}{CHECKSUM_CHARACTERS[(area_sum + day_sum + _weigh(tail, 14)) % 11]}"


@lru_cache(maxsize=256)
def _write_area(seed: int, district: str) -> tuple[str, int]:
    area = compute_area(seed, district)
    return area, _weigh(area, 0)


@lru_cache(maxsize=1 << 15)
def _write_day(born: int) -> tuple[str, int]:
    day = f"{date.fromordinal(born):%Y%m%d}"
    return day, _weigh(day, 6)


@lru_cache(maxsize=1 << 15)
def _weigh(digits: str, begin: int) -> int:
    return sum(int(digit) * CHECKSUM_WEIGHTS[begin + place] for place, digit in enumerate(digits))
