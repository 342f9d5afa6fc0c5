"""How a rule book comes into force: drafted, tested on examples, previewed, submitted, approved for a day."""

import json
from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0011"
DESCRIPTION = "rule book workflow"
SCORE = Path(__file__).parent.parent / "app" / "score"
INSERT_RULE_BOOK = (Path(__file__).parent / "insert_rule_book_0008.sql").read_text(encoding="utf-8")

# ``public_id`` is what the API calls a book. ``id`` names one content: an edited draft gets a new one, so that whatever
# was computed or remembered under an id stays right. ``makers`` are all who ever wrote or submitted it.
SQL = """
ALTER TABLE rule_book DROP CONSTRAINT rule_book_state_check;
ALTER TABLE rule_book
    ADD CONSTRAINT rule_book_state_check CHECK (state IN ('draft', 'submitted', 'scheduled', 'active', 'retired')),
    ADD COLUMN public_id uuid NOT NULL DEFAULT uuidv7() UNIQUE,
    ADD COLUMN revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    ADD COLUMN examples jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN makers uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN drafted_by uuid REFERENCES official,
    ADD COLUMN drafted_at timestamptz,
    ADD COLUMN submitted_by uuid REFERENCES official,
    ADD COLUMN submitted_at timestamptz,
    ADD COLUMN decided_by uuid REFERENCES official,
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN decision_note text,
    ADD COLUMN effective_on date,
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN withdrawn_by uuid REFERENCES official,
    ADD CONSTRAINT rule_book_makers_are_known CHECK (
        (drafted_by IS NULL OR drafted_by = ANY(makers)) AND (submitted_by IS NULL OR submitted_by = ANY(makers))),
    ADD CONSTRAINT rule_book_maker_is_not_checker CHECK (
        state IN ('draft', 'submitted') OR decided_by IS NULL OR NOT decided_by = ANY(makers)),
    ADD CONSTRAINT rule_book_submitted_by_somebody CHECK (state <> 'submitted' OR submitted_by IS NOT NULL),
    ADD CONSTRAINT rule_book_scheduled_by_two CHECK (
        state <> 'scheduled' OR (effective_on IS NOT NULL AND decided_by IS NOT NULL AND submitted_by IS NOT NULL)),
    ADD CONSTRAINT rule_book_withdrawn_never_counted CHECK (
        withdrawn_by IS NULL OR (state = 'retired' AND activated_at IS NULL));
CREATE UNIQUE INDEX rule_book_one_scheduled ON rule_book (state) WHERE state = 'scheduled';

CREATE TABLE rule_book_preview (
    rule_book_id integer PRIMARY KEY REFERENCES rule_book,
    from_rule_book_id integer NOT NULL REFERENCES rule_book,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done')),
    sample text NOT NULL CHECK (sample IN ('hundredth', 'tenth', 'all')),
    day date NOT NULL,
    requested_by uuid NOT NULL REFERENCES official,
    requested_at timestamptz NOT NULL,
    after_id uuid NOT NULL,
    citizens_done integer NOT NULL DEFAULT 0 CHECK (citizens_done >= 0),
    citizens_total integer CHECK (citizens_total >= 0),
    counts jsonb NOT NULL DEFAULT '{}',
    finished_at timestamptz,
    CHECK ((finished_at IS NOT NULL) = (state = 'done'))
);
CREATE INDEX rule_book_preview_open ON rule_book_preview (requested_at) WHERE state <> 'done';

UPDATE rule_book SET activated_at = now() WHERE state = 'active';
UPDATE rule_book SET examples = :rating_examples WHERE code = 'rating' AND version = 1;
"""
SHIP_EXAMPLES = """
UPDATE rule_book SET examples = :ledger_examples WHERE code = 'ledger' AND version = 1;
UPDATE rule_term t SET is_superseded = true
WHERE EXISTS (SELECT FROM rule_term o WHERE o.rule_book_id = t.rule_book_id AND t.indicator = ANY(o.supersedes));
"""


def read_literal(name: str) -> str:
    """Return a shipped document as a dollar-quoted literal, because a migration takes no parameters."""
    document = json.loads((SCORE / "book" / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return f"$json${json.dumps(document, ensure_ascii=False)}$json$::jsonb"


async def forwards() -> MigrationManager:
    sql = SQL.replace(":rating_examples", read_literal("rating_v1_examples"))
    ledger = INSERT_RULE_BOOK.replace("$2", "'draft'").replace("$1", read_literal("ledger_v1"))
    examples = SHIP_EXAMPLES.replace(":ledger_examples", read_literal("ledger_v1_examples"))
    return sql_migration(ID, DESCRIPTION, f"{sql}\n{ledger};\n{examples}")
