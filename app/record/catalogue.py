"""What can be recorded: topics, indicators and honours as closed lists, and whether a record fits them. Pure."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

EVENT_ID_CHARACTERS_MAX = 128
DOCUMENT_CHARACTERS_MAX = 200
ACT_ID_CHARACTERS_MAX = 128
QUANTITY_MAX = 1_000_000_000_000
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2999, 12, 31)
DATA_FOLDER = Path(__file__).parent / "data"

Measure = Literal["act", "grade", "quantity", "state", "computed"]
Effect = Literal["gives", "takes"]
PutOutcome = Literal["accepted", "updated", "duplicate", "conflict", "not_renewable", "not_a_member"]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What an indicator is about; a denied one can have none."""

    code: str
    is_denied: bool
    title_zh: str
    title_en: str


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of fact that may count in a score. What it counts is the rule book's business, not this room's.

    ``measure`` is what a record of it says: that an ``act`` happened, its ``grade``, a ``quantity``, that a
    ``state`` holds; a ``computed`` one (诚信推定) has no records. ``effect`` says which way it may count: no rule book
    gives points for what is against somebody.
    """

    code: str
    topic: str
    title_zh: str
    title_en: str
    measure: Measure
    effect: Effect
    grades: tuple[str, ...]
    needs_document: bool
    note: str


class Honour(msgspec.Struct, frozen=True, kw_only=True):
    """An honour that campaigns can ask for; ``grades`` weakest first, empty when there are none."""

    code: str
    title_zh: str
    title_en: str
    grades: tuple[str, ...]
    validity_months: int
    is_renewable: bool


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The closed lists, by code."""

    topics: Mapping[str, Topic]
    indicators: Mapping[str, Indicator]
    honours: Mapping[str, Honour]

    @property
    def denied_topics(self) -> dict[str, Topic]:
        """What the city never keeps score of."""
        return {code: topic for code, topic in self.topics.items() if topic.is_denied}


class CatalogueWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """The shipped lists contradict themselves."""


class NewRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact as a source sends it, already matched to a citizen; exactly one of ``indicator`` and ``honour``."""

    citizen_id: UUID
    indicator: str | None
    honour: str | None
    source: str
    event_id: str
    event_on: date
    ends_on: date | None = None
    grade: str | None = None
    quantity: int | None = None
    document: str | None = None
    act_id: str | None = None


def parse_catalogue(topics_csv: str, indicators_csv: str, honours_csv: str) -> Catalogue:
    """Read the closed lists; an indicator of a denied or unlisted topic is refused."""
    topics = msgspec.convert(list(_iter_rows(topics_csv)), list[Topic])
    indicators = msgspec.convert(list(_iter_rows(indicators_csv)), list[Indicator])
    honours = msgspec.convert(list(_iter_rows(honours_csv)), list[Honour], strict=False)
    catalogue = Catalogue(
        topics={topic.code: topic for topic in topics},
        indicators={indicator.code: indicator for indicator in indicators},
        honours={honour.code: honour for honour in honours},
    )
    for indicator in catalogue.indicators.values():
        check_topic(indicator.code, indicator.topic, catalogue.topics)
    return catalogue


def check_topic(indicator: str, topic_code: str, topics: Mapping[str, Topic]) -> None:
    """Refuse an indicator whose topic is denied or not on the closed list."""
    topic = topics.get(topic_code)
    if topic is None:
        raise CatalogueWrong(f"{indicator}: topic {topic_code} is not on the closed list")
    if topic.is_denied:
        raise CatalogueWrong(f"{indicator}: topic {topic_code} ({topic.title_en}) is denied")


def _iter_rows(text: str) -> Iterator[dict[str, object]]:
    for row in csv.DictReader(text.splitlines()):
        values: dict[str, object] = dict(row)
        for name, value in row.items():
            if name.startswith(("is_", "needs_")):
                values[name] = {"yes": True, "no": False}[value]
            elif name == "grades":
                values[name] = tuple(value.split("|")) if value else ()
        yield values


CATALOGUE = parse_catalogue(
    *((DATA_FOLDER / name).read_text(encoding="utf-8") for name in ("topics.csv", "indicators.csv", "honours.csv"))
)


def encode_facts(record: NewRecord) -> bytes:
    """Return what a record claims, without whom it concerns and without ``ends_on``, which may come later."""
    return msgspec.json.encode((
        record.indicator, record.honour, record.event_on, record.grade, record.quantity, record.document, record.act_id,
    ))[1:]  # fmt: skip


def compute_digests(citizen_ids: Iterable[str], facts: Iterable[bytes]) -> list[bytes]:
    """Return the digests of what records claim of citizens; ``facts`` as ``encode_facts`` returns them."""
    sha256 = hashlib.sha256  # a million times per file: looked up once
    return [sha256(b'["%b",%b' % (id_.encode(), fact)).digest() for id_, fact in zip(citizen_ids, facts, strict=True)]


def compute_facts_digest(record: NewRecord) -> bytes:
    """Return the digest of what a record claims: everything but ``ends_on``."""
    return compute_digests([str(record.citizen_id)], [encode_facts(record)])[0]
