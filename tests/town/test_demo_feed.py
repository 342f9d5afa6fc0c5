"""Files about the people of a city: every row becomes what the file's own summary says it does."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from app.intake.fact.item import Flaw
from app.intake.reading.format import FileFormat, detect_format
from app.intake.reading.reader import RowReader
from app.intake.source.compile import Cleaner, compile_mapping, make_default_mapping
from app.town.city.commands import CITIZENS_MAX, RECORDS_EACH, SEED_MAX, city
from app.town.feed.actions import FeedCounts, FeedOrder, write_feed
from app.town.feed.dirt import AGAIN, MEMBER, REPEAT, REUSED, STRANGER, find_reason, list_dirt
from app.town.feed.rows import COLUMNS, EVENT, ID_NUMBER, TITLES
from app.town.people import names
from app.town.people.actions.move_in import RECORDS_MEAN
from app.town.people.names import BLOCK, compute_papers

TODAY = date(2026, 11, 20)
CITIZENS = 3 * BLOCK
# These rows are well formed: what is wrong with them shows only beside the city and the rows before.
FOUND_LATER = {"name_mismatch", "event_id_reused", "honour_not_renewable"}
PLAIN = FeedOrder(
    rows=12_000, seed=3, citizens=CITIZENS, kind="records", dirt=0.05, duplicates=0.05, members_share=0.9,
    encoding="utf-8", form="csv", today=TODAY,
)  # fmt: skip
ORDERS = (
    PLAIN,
    msgspec.structs.replace(PLAIN, encoding="gb18030"),
    msgspec.structs.replace(PLAIN, form="jsonl"),
    msgspec.structs.replace(PLAIN, kind="honours"),
    msgspec.structs.replace(PLAIN, kind="honours", form="jsonl", encoding="gb18030"),
)


def clean(path: Path) -> Counter[str]:
    """Read and clean a file as an import does, and count the reasons rows stay behind for."""
    data = path.read_bytes()
    form = detect_format(data, is_last=True)
    assert isinstance(form, FileFormat)
    cleaner = compile_mapping(make_default_mapping("demo-feed"), form.columns)
    assert isinstance(cleaner, Cleaner)
    reader = RowReader(form)
    cleaned = [cleaner.clean(row, TODAY) for row in (*reader.feed(data[form.header_bytes :]), *reader.finish())]
    return Counter(one.code if isinstance(one, Flaw) else "" for one in cleaned)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.kind} {order.form} {order.encoding}")
def test_every_row_stays_behind_for_the_reason_the_summary_gives(order: FeedOrder, tmp_path: Path) -> None:
    expected = write_feed(order, tmp_path / "feed")
    reasons = clean(tmp_path / "feed")
    well_formed = reasons.pop("")
    assert reasons == {name: count for name, count in expected.quarantined.items() if name not in FOUND_LATER}
    later = sum(count for name, count in expected.quarantined.items() if name in FOUND_LATER)
    assert well_formed == expected.accepted + expected.duplicate + expected.not_a_member + later


@pytest.mark.parametrize("order", ORDERS[::3], ids=lambda order: order.kind)
def test_there_are_as_many_of_everything_as_ordered(order: FeedOrder, tmp_path: Path) -> None:
    expected = write_feed(order, tmp_path / "feed")
    assert set(expected.kinds) == {MEMBER, STRANGER, REPEAT, *list_dirt(order)}
    assert all(expected.kinds.values()), "some kind is missing"
    assert set(expected.quarantined) == {find_reason(order, kind) for kind in list_dirt(order)}
    counts = (expected.accepted, expected.duplicate, expected.not_a_member, *expected.quarantined.values())
    assert sum(counts) == expected.received == order.rows
    assert 0.04 < sum(expected.quarantined.values()) / order.rows < 0.06
    assert 0.04 < expected.duplicate / order.rows < 0.06
    assert 0.88 < expected.accepted / (expected.accepted + expected.not_a_member) < 0.92
    assert msgspec.json.decode((tmp_path / "feed.json").read_bytes(), type=FeedCounts) == expected


def test_members_are_of_the_city_strangers_are_not_and_repeats_repeat(tmp_path: Path) -> None:
    order = msgspec.structs.replace(PLAIN, dirt=0.0)
    expected = write_feed(order, tmp_path / "feed")
    rows = list(csv.reader(io.StringIO((tmp_path / "feed").read_text(encoding="utf-8"))))
    assert rows.pop(0) == list(TITLES)
    city_numbers = {paper.number for block in range(3) for paper in compute_papers(3, block)}
    firsts = {row[EVENT]: row for row in reversed(rows)}
    assert len(rows) - len(firsts) == expected.duplicate
    normal = [
        row[ID_NUMBER].lstrip("'").translate(str.maketrans("０１２３４５６７８９Ｘ", "0123456789X")) for row in rows
    ]
    assert sum(number not in city_numbers for number in normal) == expected.not_a_member


def test_honours_given_once_go_to_each_once(tmp_path: Path) -> None:
    order = msgspec.structs.replace(PLAIN, kind="honours", dirt=0.0, duplicates=0.0, form="jsonl")
    write_feed(order, tmp_path / "feed")
    rows = [msgspec.json.decode(line, type=dict[str, str]) for line in (tmp_path / "feed").open("rb")]
    once = Counter(
        (row["idNumber"], row["honour"], row.get("grade"))
        for row in rows
        if row["honour"] in {"MORAL_MODEL", "GOOD_CITIZEN", "BLOOD_AWARD", "BRAVERY", "MERIT"}
    )
    assert len(once) > 500
    assert set(once.values()) == {1}


def test_the_same_order_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_feed(PLAIN, tmp_path / name)
    write_feed(msgspec.structs.replace(PLAIN, seed=4), tmp_path / "other")
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_a_tiny_file_has_no_repeat_of_what_was_never_sent(tmp_path: Path) -> None:
    order = msgspec.structs.replace(PLAIN, rows=3, dirt=0.0, duplicates=1.0, citizens=70, kind="honours")
    expected = write_feed(order, tmp_path / "feed")
    assert (expected.accepted, expected.duplicate) == (1, 2)


def test_the_command_writes_a_file_without_a_database(tmp_path: Path) -> None:
    out = tmp_path / "honours.csv"
    arguments = ["file", "--rows", "500", "--kind", "honours", "--encoding", "gb18030", "--citizens", "2000"]
    done = CliRunner().invoke(city, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert len(out.read_bytes().decode("gb18030", "replace").splitlines()) == 501
    expected = msgspec.json.decode((tmp_path / "honours.csv.json").read_bytes(), type=FeedCounts)
    assert f"-> received{expected.received:>43,}" in done.output
    assert {MEMBER, AGAIN, REUSED} < set(expected.kinds)


def test_the_command_line_knows_the_citys_limits() -> None:
    assert (SEED_MAX, CITIZENS_MAX) == (names.SEED_MAX, names.CITIZENS_MAX)
    assert RECORDS_EACH == RECORDS_MEAN
    for arguments in (
        ["generate", "--seed", str(SEED_MAX + 1)],
        ["generate", "--citizens", str(CITIZENS_MAX + 1)],
        ["generate", "--citizens", "10", "--records", "9"],
        ["file", "--rows", "1", "--dirt", "0.6", "--duplicates", "0.5", "--out", "x"],
    ):
        assert CliRunner().invoke(city, arguments).exit_code == 2
    in_production = CliRunner(env={"ENVIRONMENT": "production"}).invoke(city, ["generate"])
    assert in_production.exit_code == 1
    assert "not in production" in in_production.output


def test_columns_and_titles_go_together() -> None:
    assert len(COLUMNS) == len(TITLES)
    mapping = make_default_mapping("demo-feed")
    for column, title in zip(COLUMNS, TITLES, strict=True):
        assert title in mapping.fields[column].columns  # type: ignore[index]
