"""Notices with their delivery, and the messages WeChat still lets us send."""

from __future__ import annotations

from piccolo.columns import UUID, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.citizen.tables import Citizen


class Notice(Table, tablename="notice"):
    """What a citizen reads in the mini-program; ``next_try_at`` is also the lease of the worker that sends it."""

    id = UUID(primary_key=True, default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    kind = Text(default=None)
    subject_id = UUID(default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    body_zh = Text(default=None)
    body_en = Text(default=None)
    at = Timestamptz(default=None)
    read_at = Timestamptz(default=None, null=True)
    delivery = Text(default=None)
    channel = Text(default=None, null=True)
    tries = Integer(default=0)
    next_try_at = Timestamptz(default=None, null=True)
    sent_at = Timestamptz(default=None, null=True)


class NoticeQuota(Table, tablename="notice_quota"):
    """How many messages of a template a citizen has let us send."""

    citizen_id = ForeignKey(Citizen, primary_key=True, null=False, on_delete=OnDelete.restrict, default=None)
    template = Text(primary_key=True, default=None)
    remaining = Integer(default=None)
