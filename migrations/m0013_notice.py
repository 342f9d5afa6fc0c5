"""What a citizen is told, how it reaches the phone, and how many messages WeChat still lets us send."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0013"
DESCRIPTION = "notice"

# next_try_at is when a waiting notice may be sent, and while somebody is sending it, until when nobody else does.
SQL = """
CREATE TABLE notice (
    id uuid PRIMARY KEY,
    citizen_id uuid NOT NULL REFERENCES citizen,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    body_zh text NOT NULL,
    body_en text NOT NULL,
    at timestamptz NOT NULL,
    read_at timestamptz CHECK (read_at >= at),
    delivery text NOT NULL CHECK (delivery IN ('pending', 'sent', 'failed', 'none')),
    channel text CHECK (channel IN ('wechat', 'sms')),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_try_at timestamptz,
    sent_at timestamptz,
    UNIQUE (kind, subject_id),
    CHECK ((delivery = 'pending') = (next_try_at IS NOT NULL)),
    CHECK ((delivery = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((delivery = 'sent') = (channel IS NOT NULL))
);
CREATE INDEX notice_list ON notice (citizen_id, id DESC);
CREATE INDEX notice_unread ON notice (citizen_id) WHERE read_at IS NULL;
CREATE INDEX notice_pending ON notice (next_try_at) WHERE delivery = 'pending';

CREATE TABLE notice_quota (
    citizen_id uuid NOT NULL REFERENCES citizen,
    template text NOT NULL,
    remaining integer NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (citizen_id, template)
);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
