"""Words of denied topics, denied uses and punishments, however they are written; and what only looks like them."""

from __future__ import annotations

import csv

import pytest

from app.record.catalogue import CATALOGUE
from app.record.flagged import DENIED_USES_FILE, FLAGGED_FILE, SIMPLIFIED, TRADITIONAL, find_flagged_words

CERTAIN = [
    ("信访案件〔2026〕1号", "petition"),
    ("厦信访〔2026〕3号", "petition"),
    ("信 访 案 件", "petition"),
    ("信/访·案件", "petition"),
    ("信\u200b访", "petition"),
    ("信。访", "petition"),
    ("信訪案件", "petition"),
    ("ＰＥＴＩＴＩＯＮ no. 1", "petition"),
    ("p-e-t-i-t-i-o-n", "petition"),
    ("petitions of 2026", "petition"),
    ("线上访问前先缠访", "petition"),
    ("行政處罰決定書（簡易程序）", "minor_offence"),
    ("社区一事一议加分", "case_by_case"),
    ("配合拆迁证明", "demolition"),
    ("优秀共产党员证书", "party"),
    ("计生办证明", "family_planning"),
    ("学位与入学资格", "schooling"),
    ("公务员录用", "hiring"),
    ("低保资格认定", "welfare"),
    ("急诊优先处置", "basic_care"),
    ("不满意者禁止入内", "public_entry"),
    ("租客审查", "tenancy"),
    ("拒绝承保", "insurance"),
    ("重点人员盘查", "policing"),
    ("列入黑名单", "penalty"),
    ("失信人员加收五成", "surcharge"),
    ("失 信 人 员，押金上浮", "surcharge"),
    ("对失信被执行人一律限制", "restriction"),
    ("分数低的市民暂停服务", "restriction"),
    ("Dishonest people pay a surcharge", "surcharge"),
]
DOUBTFUL = [
    ("宗教场所旁停车场优惠", "religion_custom"),
    ("新生入学季电影票五折", "schooling"),
    ("招聘会旁停车", "hiring"),
    ("失信人员不加收", "surcharge"),
    ("失信人员也不会 加收", "surcharge"),
    ("有失信记录的先修复。场内禁止吸烟。", "restriction"),
    ("节假日加收服务费", "surcharge"),
    ("无失信记录者免押", "people"),
    ("party member discount", "party"),
]
HARMLESS = [
    "图书馆免押金", "守信访客停车优惠", "诚信访谈", "征信访问", "线上访问", "普通通道照常进站",
    "普通导诊照常提供，不影响就诊次序", "诚信教育基地门票八折", "birthday party", "urban banner", "theft alarm",
    "设计生活节", "超生动的演出", "", "（2026）闽0203民初1234号", "闽公（交）行罚决字〔2026〕第12号",
    "体检六折", "景区门票优惠", "民族乐团音乐会",
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), CERTAIN)
def test_what_hardly_means_anything_else(text: str, code: str) -> None:
    assert code in {flag.code for flag in find_flagged_words(text) if flag.is_certain}


@pytest.mark.parametrize(("text", "code"), DOUBTFUL)
def test_what_a_reviewer_should_look_at(text: str, code: str) -> None:
    flags = find_flagged_words(text)
    assert code in {flag.code for flag in flags}
    assert not [flag.word for flag in flags if flag.is_certain]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it(text: str) -> None:
    assert find_flagged_words(text) == []


def test_a_word_inside_a_longer_one_is_left_out() -> None:
    assert [flag.word for flag in find_flagged_words("失信被执行人")] == ["失信被执行人"]
    assert [flag.word for flag in find_flagged_words("失信被执行人加收")] == ["加收", "失信被执行人"]


def test_every_denied_topic_and_use_has_words() -> None:
    rows = list(csv.DictReader(FLAGGED_FILE.read_text(encoding="utf-8").splitlines()))
    uses = {row["code"] for row in csv.DictReader(DENIED_USES_FILE.read_text(encoding="utf-8").splitlines())}
    assert {row["code"] for row in rows if row["kind"] == "topic"} == set(CATALOGUE.denied_topics)
    assert {row["code"] for row in rows if row["kind"] == "use"} == uses
    assert len(uses) == 8


def test_every_listed_word_is_found_by_itself_and_in_traditional_characters() -> None:
    to_traditional = str.maketrans(SIMPLIFIED, TRADITIONAL)
    for row in csv.DictReader(FLAGGED_FILE.read_text(encoding="utf-8").splitlines()):
        for word in row["words"].split("|"):
            for written in (word, word.translate(to_traditional), "_".join(word), word.upper()):
                assert row["code"] in {flag.code for flag in find_flagged_words(f"某{written}某")}, written
        for phrase in filter(None, row["harmless"].split("|")):
            assert any(word in phrase for word in row["words"].split("|")), f"{phrase} holds none of its words"


def test_a_title_in_the_list_says_what_the_word_belongs_to() -> None:
    (flag,) = find_flagged_words("信访案件")
    assert (flag.kind, flag.code, flag.title_zh, flag.title_en) == ("topic", "petition", "信访", "petitions")
    (flag,) = find_flagged_words("租客审查")
    assert (flag.kind, flag.title_zh, flag.title_en) == ("use", "房屋租住", "tenancy")
