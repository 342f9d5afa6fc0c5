"""Words that speak of a denied topic, a denied use or a punishment, found in what people write. Pure.

A list of words never proves anything: a person reviews what it finds. A word is certain (``is_certain``) when it
hardly ever means anything else, and each room decides what follows: no record rests on a document that certainly names
a denied topic, no scenario names a denied use at all, no campaign certainly punishes; the rest is shown to the second
official.

A word is found whatever signs are between its characters, in full width, in any case, in traditional characters. Words
that only say something bad together (``paired``: 加收 beside 失信) are certain where one sentence has both and does
not take it back (不加收).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

import msgspec

from app.record.catalogue import CATALOGUE, DATA_FOLDER

FLAGGED_FILE = DATA_FOLDER / "flagged_words.csv"
DENIED_USES_FILE = DATA_FOLDER / "denied_uses.csv"

FlaggedKind = Literal["topic", "use", "punishment"]
Strength = Literal["certain", "doubtful", "paired", "punished"]

PUNISHMENT_TITLES = {
    "surcharge": ("加收费用", "a surcharge"),
    "penalty": ("惩戒", "a penalty"),
    "restriction": ("限制或拒绝服务", "restricting or refusing a service"),
    "people": ("失信或低分人员", "people of bad credit"),
}
HEAD_SIZES = (2, 3)  # of a word in characters and of one in letters; the shortest listed ones
# Said right before a punishment, these take it back.
NEGATED = re.compile(r"(?:不|免|无|未|没有|不会|不再|不予|不得|无需|取消|解除|避免|\b(?:not|no|never))[\W_]*$")
SENTENCE_ENDS = re.compile(r"[。！？；!?;\n]+|\.(?=\s|$)")
# The traditional characters of the listed words, and below each its simplified form.
TRADITIONAL = (
    "訪纏鬧級來網絡論發評佈謠黨務紀內積優進風計劃違獨設統燒喪養親屬連帶員負責東廠規動勞曠鄰舉報紅傳歷檔診斷證體檢結殘確婦紋徵"
    "聲臉況狀離單專僅視財產納稅額數資業險蹤軌跡對訊錄購買費慣遷測瞞獻絕願參場處罰輕簡當闖馬滿學為領導條擇轉區應職審調會撫卹醫"
    "搶術順號準門車賠點矯國漲價雙懲聯沒賴約執誠暫謝辦絲個習亂於傷減別變廟態戶掛療碼種線練組議讓記訴談賃較問鮮蘭裡羣敎歲"
)
SIMPLIFIED = (
    "访缠闹级来网络论发评布谣党务纪内积优进风计划违独设统烧丧养亲属连带员负责东厂规动劳旷邻举报红传历档诊断证体检结残确妇纹征"
    "声脸况状离单专仅视财产纳税额数资业险踪轨迹对讯录购买费惯迁测瞒献绝愿参场处罚轻简当闯马满学为领导条择转区应职审调会抚恤医"
    "抢术顺号准门车赔点矫国涨价双惩联没赖约执诚暂谢办丝个习乱于伤减别变庙态户挂疗码种线练组议让记诉谈赁较问鲜兰里群教岁"
)
_TO_SIMPLIFIED = str.maketrans(TRADITIONAL, SIMPLIFIED)
_LATIN = re.compile(r"[a-z]")


class FlaggedWord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A listed word that is in a text: what it speaks of, and whether it hardly ever means anything else.

    ``code`` is that of a denied topic or use, or what kind of punishment it is.
    """

    kind: FlaggedKind
    code: str
    word: str
    title_zh: str
    title_en: str
    is_certain: bool


class _Listed(msgspec.Struct, frozen=True):
    flag: FlaggedWord
    strength: Strength
    pattern: re.Pattern[str]
    harmless: re.Pattern[str] | None


def find_flagged_words(text: str) -> list[FlaggedWord]:
    """Return the listed words a text has, each once, in the order of the list.

    A word inside a longer one that was found is left out.
    """
    plain = _normalise(text)
    if not _may_be_in(plain):  # nearly always, and a file has a million documents
        return []
    found = [listed for listed in _LISTED if _is_in(listed, plain)]
    longest = [one for one in found if not any(_covers(other, one) for other in found)]
    sure = _find_paired(found, plain)
    return [
        msgspec.structs.replace(one.flag, is_certain=True) if one.flag.word in sure else one.flag for one in longest
    ]


def _normalise(text: str) -> str:
    """Return a text in half width, small letters and simplified characters."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_TO_SIMPLIFIED)


def _may_be_in(plain: str) -> bool:
    """Whether the beginning of a listed word is in a text."""
    letters = "".join(filter(str.isalnum, plain))
    return any(letters[at : at + size] in _HEADS for size in HEAD_SIZES for at in range(len(letters)))


def _is_in(listed: _Listed, plain: str) -> bool:
    without = plain if listed.harmless is None else listed.harmless.sub("。", plain)
    return listed.pattern.search(without) is not None


def _covers(longer: _Listed, shorter: _Listed) -> bool:
    """Whether a word is part of another one that says the same at least as surely."""
    return (
        shorter.flag.word != longer.flag.word
        and shorter.flag.word in longer.flag.word
        and (longer.flag.is_certain or not shorter.flag.is_certain)
    )


def _find_paired(found: list[_Listed], plain: str) -> set[str]:
    """Return the words of a punishment and of the people it is for, where a sentence has both and does not deny it."""
    sure: set[str] = set()
    for sentence in SENTENCE_ENDS.split(plain):
        people = {one.flag.word for one in found if one.strength == "punished" and _is_in(one, sentence)}
        harsh = {one.flag.word for one in found if one.strength == "paired" and _is_meant(one, sentence)}
        if people and harsh:
            sure |= people | harsh
    return sure


def _is_meant(listed: _Listed, sentence: str) -> bool:
    """Whether a sentence has a word at least once without a negation right before it."""
    without = sentence if listed.harmless is None else listed.harmless.sub("。", sentence)
    return any(NEGATED.search(without[: match.start()]) is None for match in listed.pattern.finditer(without))


def _compile(words: list[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of some words, whatever signs are between their characters."""
    return re.compile("|".join(map(_spread, words)))


def _spread(word: str) -> str:
    letters = [re.escape(letter) for letter in _normalise(word) if letter.isalnum()]
    inner = r"[\W_]*".join(letters)
    return rf"(?<![a-z0-9]){inner}s?(?![a-z0-9])" if _LATIN.search(word.lower()) else inner


def _head(word: str) -> str:
    letters = "".join(filter(str.isalnum, _normalise(word)))
    return letters[: max(HEAD_SIZES) if _LATIN.search(letters) else min(HEAD_SIZES)]


def _list_words(flagged_csv: str, uses_csv: str) -> Iterator[_Listed]:
    titles: dict[str, tuple[str, str]] = dict(PUNISHMENT_TITLES)
    titles |= {topic.code: (topic.title_zh, topic.title_en) for topic in CATALOGUE.denied_topics.values()}
    titles |= {row["code"]: (row["title_zh"], row["title_en"]) for row in csv.DictReader(uses_csv.splitlines())}
    for row in csv.DictReader(flagged_csv.splitlines()):
        title_zh, title_en = titles[row["code"]]
        strength = msgspec.convert(row["strength"], Strength)
        for word in row["words"].split("|"):
            flag = FlaggedWord(
                kind=msgspec.convert(row["kind"], FlaggedKind),
                code=row["code"],
                word=word,
                title_zh=title_zh,
                title_en=title_en,
                is_certain=strength == "certain",
            )
            harmless = [phrase for phrase in row["harmless"].split("|") if word in phrase]
            yield _Listed(flag, strength, _compile([word]), _compile(harmless) if harmless else None)


_LISTED = tuple(_list_words(FLAGGED_FILE.read_text(encoding="utf-8"), DENIED_USES_FILE.read_text(encoding="utf-8")))
_HEADS = frozenset(_head(listed.flag.word) for listed in _LISTED)
