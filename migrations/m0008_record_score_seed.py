"""The closed lists of topics, indicators and honours, and the first rule book, active."""

import csv
import json
from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.migration import sql_migration

ID = "0008"
DESCRIPTION = "seed record catalogues and rule book"
APP = Path(__file__).parent.parent / "app"


def literal(value: object) -> str:
    return "$json$" + json.dumps(value, ensure_ascii=False) + "$json$::jsonb"


def rows(name: str) -> str:
    text = (APP / "record" / "data" / name).read_text(encoding="utf-8")
    return literal(list(csv.DictReader(text.splitlines())))


SQL = f"""
INSERT INTO topic (code, is_denied, title_zh, title_en)
SELECT * FROM jsonb_to_recordset({rows("topics.csv")}) AS t (code text, is_denied boolean, title_zh text, title_en text);

INSERT INTO indicator (code, topic, title_zh, title_en)
SELECT * FROM jsonb_to_recordset({rows("indicators.csv")}) AS i (code text, topic text, title_zh text, title_en text);

INSERT INTO honour (code, title_zh, title_en, grades, validity_months, is_renewable)
SELECT code, title_zh, title_en, string_to_array(grades, '|'), validity_months, is_renewable
FROM jsonb_to_recordset({rows("honours.csv")}) AS h (
    code text, title_zh text, title_en text, grades text, validity_months integer, is_renewable boolean);

""" + (
    (APP / "score" / "sql" / "insert_rule_book.sql")
    .read_text(encoding="utf-8")
    .replace("$1", literal(json.loads((APP / "score" / "data" / "rating_v1.json").read_text(encoding="utf-8"))))
    .replace("$2", "'active'")
)


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
