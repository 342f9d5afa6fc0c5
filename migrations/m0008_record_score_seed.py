"""The closed lists of topics, indicators and honours, and the first rule book, active."""

import csv
import json
from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0008"
DESCRIPTION = "seed record catalogues and rule book"
APP = Path(__file__).parent.parent / "app"


INSERT_RULE_BOOK = (Path(__file__).parent / "insert_rule_book_0008.sql").read_text(encoding="utf-8")

SQL = """
INSERT INTO topic (code, is_denied, title_zh, title_en)
SELECT * FROM jsonb_to_recordset(:topics) AS t (code text, is_denied boolean, title_zh text, title_en text);

INSERT INTO indicator (code, topic, title_zh, title_en)
SELECT * FROM jsonb_to_recordset(:indicators) AS i (code text, topic text, title_zh text, title_en text);

INSERT INTO honour (code, title_zh, title_en, grades, validity_months, is_renewable)
SELECT code, title_zh, title_en, string_to_array(grades, '|'), validity_months, is_renewable
FROM jsonb_to_recordset(:honours) AS h (
    code text, title_zh text, title_en text, grades text, validity_months integer, is_renewable boolean);
"""


def read_rows(name: str) -> object:
    return list(csv.DictReader((APP / "record" / "data" / name).read_text(encoding="utf-8").splitlines()))


def read_document(name: str) -> object:
    return json.loads((APP / "score" / "book" / "data" / name).read_text(encoding="utf-8"))


def fill(sql: str, values: dict[str, object]) -> str:
    """Write JSON into a statement as dollar-quoted literals, because a migration takes no parameters."""
    for name, value in values.items():
        sql = sql.replace(name, f"$json${json.dumps(value, ensure_ascii=False)}$json$::jsonb")
    return sql


async def forwards() -> MigrationManager:
    lists = {f":{name}": read_rows(f"{name}.csv") for name in ("topics", "indicators", "honours")}
    book = INSERT_RULE_BOOK.replace("$2", "'active'")
    return sql_migration(ID, DESCRIPTION, fill(SQL, lists) + fill(book, {"$1": read_document("rating_v1.json")}))
