"""The rule book the project ships, as every city begins with it. Pure."""

from __future__ import annotations

from pathlib import Path

from app.record.catalogue import CATALOGUE
from app.score.book.check import parse_rule_book

STANDARD_BOOK_FILE = Path(__file__).parent / "data" / "rating_v1.json"
STANDARD_BOOK = parse_rule_book(STANDARD_BOOK_FILE.read_bytes(), CATALOGUE)
