"""SQL for sessions and refresh tokens: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from piccolo.query.methods.update import Update

from app.citizen.session import PresentedToken
from app.citizen.tables import CitizenSession, RefreshToken
from app.kit.db.database import execute, fetch_one
from app.kit.db.rows import run


async def insert_session(
    *, session_id: UUID, citizen_id: UUID, token_hash: bytes, at: datetime, expires_at: datetime
) -> None:
    """Open a session with its first refresh token."""
    await execute(
        """
        WITH session AS (INSERT INTO citizen_session (id, citizen_id, created_at) VALUES ($1, $2, $4) RETURNING id)
        INSERT INTO refresh_token (token_hash, session_id, issued_at, expires_at)
        SELECT $3, id, $4, $5 FROM session
        """,
        session_id,
        citizen_id,
        token_hash,
        at,
        expires_at,
    )


async def find_token_for_update(token_hash: bytes, successor_hash: bytes) -> PresentedToken | None:
    """Lock a refresh token and return it with what became of its session, its citizen and its successor."""
    return await fetch_one(
        PresentedToken,
        """
        SELECT t.session_id, s.citizen_id, c.state, s.revoked_at IS NOT NULL AS is_revoked, t.expires_at, t.replaced_at,
               EXISTS (SELECT FROM refresh_token n
                        WHERE n.token_hash = $2 AND n.replaced_at IS NOT NULL) AS is_successor_replaced
          FROM refresh_token t
          JOIN citizen_session s ON s.id = t.session_id
          JOIN citizen c ON c.id = s.citizen_id
         WHERE t.token_hash = $1
           FOR NO KEY UPDATE OF t
        """,
        token_hash,
        successor_hash,
    )


async def insert_successor(*, token_hash: bytes, successor_hash: bytes, at: datetime, expires_at: datetime) -> None:
    """Replace a refresh token by its successor."""
    await execute(
        """
        WITH replaced AS (UPDATE refresh_token SET replaced_at = $3 WHERE token_hash = $1 RETURNING session_id)
        INSERT INTO refresh_token (token_hash, session_id, issued_at, expires_at)
        SELECT $2, session_id, $3, $4 FROM replaced
        """,
        token_hash,
        successor_hash,
        at,
        expires_at,
    )


async def mark_session_revoked(session_id: UUID, *, because: str, at: datetime) -> None:
    """Revoke one session, unless it is revoked already."""
    await run(_revoke(because, at).where(CitizenSession.id == session_id))


async def mark_sessions_revoked(citizen_id: UUID, *, because: str, at: datetime) -> None:
    """Revoke every live session of a citizen."""
    await run(_revoke(because, at).where(CitizenSession.citizen_id == citizen_id))


async def delete_expired_tokens(at: datetime) -> None:
    """Forget refresh tokens whose time is over."""
    await run(RefreshToken.delete().where(RefreshToken.expires_at <= at))


async def delete_dead_sessions(opened_before: datetime) -> int:
    """Forget old sessions that have no refresh token left."""
    return await execute(
        """
        DELETE FROM citizen_session s
         WHERE created_at <= $1 AND NOT EXISTS (SELECT FROM refresh_token t WHERE t.session_id = s.id)
        """,
        opened_before,
    )


def _revoke(because: str, at: datetime) -> Update[CitizenSession]:
    revoked = CitizenSession.update({CitizenSession.revoked_at: at, CitizenSession.revoked_because: because})
    return revoked.where(CitizenSession.revoked_at.is_null())
