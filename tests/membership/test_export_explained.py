"""A score computed again from the citizen's own file and the public rule book, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import fetch_value, transaction
from app.kit.security.keys import make_export_key
from app.kit.security.signed_file import read_file, show_keys, sign_file
from app.membership.export import MEMBER, SIGNATURE_TYPE, Export, compute_given
from app.membership.report import iter_report, judge_agreement
from app.score.book.standard import STANDARD_BOOK
from app.score.current.actions.rescore import rescore
from app.score.engine.actions import score_given
from app.values.days import shanghai_day
from tests.support.citizens import Joined, join
from tests.support.histories import new_record
from tests.support.recording import put_records

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from app.score.engine.given import Explanation

LATELY = timedelta(days=20)
# Every kind of indicator, caps, a repeat, an exclusive group, a supersession, an act reported twice and a ceiling.
LIFE: list[dict[str, Any]] = [
    {"indicator": "BASE_SI_12M"}, {"indicator": "BASE_SI_36M"}, {"indicator": "BASE_TAX_OK"},
    {"indicator": "POS_VOL_HOURS", "quantity": 60}, {"indicator": "POS_PATROL", "quantity": 30},
    *[{"indicator": "POS_SUPERVISE"}] * 4,
    {"indicator": "POS_BLOOD"}, {"indicator": "POS_AWARD", "grade": "city", "document": "厦府〔2026〕1号"},
    {"indicator": "POS_REPORT_SAFETY", "act_id": "one"}, {"indicator": "POS_CLUE", "act_id": "one"},
    *[{"indicator": "NEG_FALSE_COMMIT", "document": "d"}] * 2, {"indicator": "NEG_COURT_LISTED", "document": "d"},
    {"honour": "VOL_STAR", "grade": "3"},
]  # fmt: skip


async def live(client: AsyncClient) -> Joined:
    """Make a member with a rich life, consenting to what needs it."""
    member = await join(client)
    at = now()
    day = shanghai_day(at) - LATELY
    records = [new_record(member.id, **{"indicator": None, "event_on": day, **facts}) for facts in LIFE]
    async with transaction():
        assert set(await put_records(records, at=at, entered_by=None)) == {"accepted"}
        await rescore([member.id], at=at)
    await client.post("/v1/me/consents", json={"purpose": "pos_blood", "version": 1}, headers=member.headers)
    return member


async def take(client: AsyncClient, member: Joined) -> bytes:
    return bytes((await client.get("/v1/me/export", headers=member.headers)).content)


def read(file: bytes) -> Export:
    return msgspec.convert(read_file(MEMBER, file)[0], Export)


async def score_again(export: Export) -> Explanation:
    assert export.score is not None
    book_id = await fetch_value(
        "SELECT id FROM rule_book WHERE code = $1 AND version = $2",
        export.score.rule_book.code,
        export.score.rule_book.version,
    )
    (score,) = await score_given([compute_given(export)], rule_book_id=book_id, day=export.score.as_of)
    assert score is not None
    return score


async def test_the_file_carries_all_the_engine_looks_at(client: AsyncClient) -> None:
    member = await live(client)
    export = read(await take(client, member))
    assert export.score is not None
    again = await score_again(export)
    assert judge_agreement(export.score, again).is_full
    shown = (await client.get("/v1/me/score/explanation", headers=member.headers)).json()
    assert [given.points for given in again.contributions] == [given["points"] for given in shown["contributions"]]
    assert {given.indicator for given in again.contributions} >= {"POS_BLOOD", "POS_REPORT_SAFETY", "BASE_SI_36M"}
    assert [taken.points for taken in again.adjustments] == [taken["points"] for taken in shown["adjustments"]]
    assert again.value == shown["total"]


async def test_whatever_went_in_changes_the_inputs_hash(client: AsyncClient) -> None:
    export = read(await take(client, await live(client)))
    assert export.score is not None
    first, *others = export.records
    tomorrow = export.score.as_of + timedelta(days=1)
    changed = [
        msgspec.structs.replace(export, records=tuple(others)),
        msgspec.structs.replace(export, records=(msgspec.structs.replace(first, version=2), *others)),
        msgspec.structs.replace(export, records=(msgspec.structs.replace(first, state="suspended"), *others)),
        msgspec.structs.replace(export, consents=()),
        msgspec.structs.replace(export, score=msgspec.structs.replace(export.score, as_of=tomorrow)),
    ]
    hashes = {(await score_again(one)).inputs_hash.hex() for one in (export, *changed)}
    assert len(hashes) == 1 + len(changed)
    assert export.score.inputs_hash in hashes


async def test_the_report_has_every_step(client: AsyncClient) -> None:
    export = read(await take(client, await live(client)))
    assert export.score is not None
    score = await score_again(export)
    report = "\n".join(iter_report(export, export.score, score, STANDARD_BOOK))
    assert "  +500  基础分 Base" in report
    assert "1.3 社会保险连续缴纳满36个月或领取待遇：存续期间+25分" in report
    assert "2.13 Effective public supervision: +4 each time" in report
    assert "有效社会监督：年度上限" in report
    assert "annual cap" in report
    assert "厦府〔2026〕1号 city" in report
    assert "再次发生，加倍 a repeat, counted twice" in report
    assert f"{score.value:>6d}  合计 Total" in report
    assert "分值 value 是 yes · 等级 level 是 yes" in report
    assert "输入摘要 Inputs hash: 是 yes" in report
    points = [line.split()[0] for line in report.splitlines() if line[:6].strip().lstrip("+-").isdigit()]
    assert sum(int(number) for number in points[:-1]) == int(points[-1]) == score.value


async def test_the_report_says_where_it_differs(client: AsyncClient) -> None:
    export = read(await take(client, await live(client)))
    assert export.score is not None
    stated = msgspec.structs.replace(export.score, value=export.score.value + 1, inputs_hash="0" * 64)
    score = await score_again(export)
    report = "\n".join(iter_report(export, stated, score, STANDARD_BOOK))
    assert "分值 value 否 NO · 等级 level 是 yes" in report
    assert "输入摘要 Inputs hash: 否 NO" in report
    assert "0" * 64 in report
    assert score.inputs_hash.hex() in report
    assert not judge_agreement(stated, score).is_full


@pytest.fixture(scope="module")
async def files(client: AsyncClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a citizen's file, the public keys and the public rule book, as anybody downloads them."""
    folder = tmp_path_factory.mktemp("taken")
    (folder / "export.json").write_bytes(await take(client, await live(client)))
    (folder / "keys.json").write_bytes((await client.get("/v1/export-keys")).content)
    (folder / "book.json").write_bytes((await client.get("/v1/rule-books/current")).content)
    return folder


def explain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``huixin score explain`` where there is no city: without any of its settings, in a folder of its own."""
    city = ("DATABASE_URL", "VALKEY_URL", "KEY_FILE", "HUIXIN_VAR", "WECHAT_", "IDENTITY_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(city)}
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "score", "explain", *arguments],
        cwd=folder, env={**environment, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_line_needs_no_city(files: Path) -> None:
    arguments = ("export.json", "--keys", "keys.json", "--rule-book", "book.json")
    done = explain(files, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    export = read((files / "export.json").read_bytes())
    assert export.score is not None
    assert "签名 Signature       有效 valid" in done.stdout
    assert f"{export.score.value:>6d}  合计 Total" in done.stdout
    assert done.stdout.count("是 yes") == 3
    assert "否 NO" not in done.stdout
    assert sorted(path.name for path in files.iterdir()) == ["book.json", "export.json", "keys.json"]


def test_the_command_line_finds_the_shipped_rules_and_what_does_not_agree(files: Path) -> None:
    """A file whose holder made the score better, signed by a key of their own: without keys it can be read."""
    content, _ = read_file(MEMBER, (files / "export.json").read_bytes())
    content["score"]["value"] += 100
    mine = make_export_key()
    (files / "mine.json").write_bytes(sign_file(MEMBER, content, mine, SIGNATURE_TYPE))
    try:
        done = explain(files, "mine.json")
    finally:
        (files / "mine.json").unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not checked, no keys were given" in done.stdout
    assert "分值 value 否 NO" in done.stdout
    assert "输入摘要 Inputs hash: 是 yes" in done.stdout


CASES: dict[str, tuple[list[str], str]] = {
    "a changed file": (["spoiled.json", "--keys", "keys.json"], "changed after it was signed"),
    "another city's keys": (["export.json", "--keys", "others.json"], "a key that is not among these"),
    "no keys": (["export.json", "--keys", "export.json"], "no public keys"),
    "no export": (["book.json"], 'it is not {"export"'),
    "no rule book": (["export.json", "--rule-book", "keys.json"], "it is no rule book"),
    "no file": (["nothing.json"], "does not exist"),
    "a name that stands twice": (["twice.json", "--keys", "keys.json"], "a name stands twice"),
    "another spelling": (["pretty.json", "--keys", "keys.json"], "not spelled as it was signed"),
    "keys with a name twice": (["export.json", "--keys", "twice_keys.json"], "a name stands twice"),
    "rules with a name twice": (["export.json", "--rule-book", "twice_book.json"], "a name stands twice"),
    "other rules": (["export.json", "--rule-book", "older.json"], "the rule book rating 1 is needed"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_command_line_refuses(files: Path, tmp_path: Path, case: str) -> None:
    arguments, said = CASES[case]
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    whole = (files / "export.json").read_text(encoding="utf-8")
    (tmp_path / "spoiled.json").write_text(whole.replace('"quantity":60', '"quantity":90'), encoding="utf-8")
    (tmp_path / "others.json").write_text(json.dumps({"keys": show_keys([make_export_key()])}))
    older = json.loads((files / "book.json").read_bytes()) | {"version": 99}
    (tmp_path / "older.json").write_text(json.dumps(older))
    (tmp_path / "twice.json").write_text(
        whole.replace('"quantity":60', '"quantity":90,"quantity":60'), encoding="utf-8"
    )
    (tmp_path / "pretty.json").write_text(json.dumps(json.loads(whole), indent=1), encoding="utf-8")
    for name in ("keys", "book"):
        text = (files / f"{name}.json").read_text(encoding="utf-8").lstrip()
        member = '"keys":[],' if name == "keys" else '"version":99,'
        (tmp_path / f"twice_{name}.json").write_text("{" + member + text[1:], encoding="utf-8")
    done = explain(tmp_path, *arguments)
    assert done.returncode in {1, 2}
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
