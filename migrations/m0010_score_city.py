"""Scores at the size of a city: who waits to be rescored, and a whole city prepared beside the current scores."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0010"
DESCRIPTION = "score of a whole city"

# Of a term the engine asks a few things for every record: they stand ready, and rows carry its number, not its clause.
# A switch renames score_prepared to score_snapshot: both are the same table twice. Neither has foreign keys, which a
# million rows written at once would pay for one by one; whoever leaves is deleted from both.
SQL = """
CREATE TABLE score_due (
    citizen_id uuid PRIMARY KEY,
    since timestamptz NOT NULL
) WITH (fillfactor = 70);

-- Whose score moved while a city is prepared: they are prepared again before the switch.
CREATE TABLE score_moved (
    citizen_id uuid PRIMARY KEY
);

CREATE TABLE score_preparation (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    rule_book_id integer NOT NULL REFERENCES rule_book,
    as_of date NOT NULL,
    phase text NOT NULL CHECK (phase IN ('preparing', 'telling', 'done', 'dropped')),
    citizens integer NOT NULL CHECK (citizens >= 0),
    opened_at timestamptz NOT NULL,
    switched_at timestamptz,
    finished_at timestamptz,
    CHECK ((switched_at IS NULL) = (phase IN ('preparing', 'dropped'))),
    CHECK ((finished_at IS NULL) = (phase IN ('preparing', 'telling')))
);
CREATE UNIQUE INDEX score_preparation_one_open ON score_preparation ((true)) WHERE phase IN ('preparing', 'telling');

CREATE TABLE score_preparation_chunk (
    preparation_id integer NOT NULL REFERENCES score_preparation,
    number integer NOT NULL,
    after_id uuid NOT NULL,
    last_id uuid NOT NULL CHECK (last_id > after_id),
    done_at timestamptz,
    PRIMARY KEY (preparation_id, number)
);

ALTER TABLE rule_term
    ADD COLUMN no integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN is_superseded boolean NOT NULL DEFAULT false,
    ADD COLUMN is_lasting boolean GENERATED ALWAYS AS (kind IN ('state', 'ceiling')) STORED NOT NULL,
    ADD COLUMN is_bundled boolean
        GENERATED ALWAYS AS ((kind IN ('state', 'ceiling') AND NOT adds_up) OR kind = 'ladder') STORED NOT NULL;
UPDATE rule_term t SET is_superseded = true
WHERE EXISTS (SELECT FROM rule_term o WHERE o.rule_book_id = t.rule_book_id AND t.indicator = ANY(o.supersedes));

ALTER TABLE score_snapshot DROP CONSTRAINT score_snapshot_citizen_id_fkey;
ALTER TABLE score_snapshot DROP CONSTRAINT score_snapshot_rule_book_id_fkey;
CREATE TABLE score_prepared (LIKE score_snapshot INCLUDING ALL);
ALTER INDEX score_prepared_next_change_on_idx RENAME TO score_prepared_due;
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
