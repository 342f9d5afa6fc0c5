"""Finds values where they must not be: in logs as a city would write them, and in a dump of the whole database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from app.kit.db.database import fetch_value
from app.kit.process.logs import JsonFormatter, logging_config
from tests.support.tables import list_tables


class LogBook(logging.Handler):
    """Keeps every line, as the service writes it and as any other formatter would get it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line and its arguments."""
        self.lines.append(f"{self.format(record)} {record.getMessage()} {record.args!r} {record.__dict__.get('msg')!r}")

    @property
    def text(self) -> str:
        """Everything."""
        return "\n".join(self.lines)


@contextmanager
def log_everything() -> Iterator[LogBook]:
    """Log at DEBUG with the levels the service itself sets for those that talk too much."""
    book, root = LogBook(), logging.getLogger()
    levels = {name: told["level"] for name, told in logging_config("DEBUG")["loggers"].items()}
    before = {name: logging.getLogger(name).level for name in levels}
    root_level = root.level
    root.addHandler(book)
    root.setLevel(logging.DEBUG)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield book
    finally:
        root.removeHandler(book)
        root.setLevel(root_level)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


async def dump_tables() -> dict[str, str]:
    """Return every row of every table as text; bytes are in hexadecimal."""
    return {
        name: str(await fetch_value(f"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM \"{name}\" AS t"))
        for name in await list_tables()
    }


def find_in(text: str, values: dict[str, str]) -> set[str]:
    """Return the names of the values that stand in a text, as they are, as JSON escapes them, or as bytes in hex."""
    return {
        name
        for name, value in values.items()
        if value in text
        or value.encode("unicode_escape").decode() in text
        or value.encode().hex() in text
        or value.encode().hex() in text.lower()
    }
