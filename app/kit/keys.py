"""The city's secret keys: in one 0600 file made at first start, or in a file the operator provides."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from itertools import pairwise
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.settings import SETTINGS

LOG = logging.getLogger("huixin.keys")
KEY_BYTES = 32
# The last code issued under a key is for the third slot ahead and opens until 15 s after it: 105 s.
CODE_KEY_OVERLAP_SECONDS = 120


class FieldKey(msgspec.Struct, frozen=True):
    """An AES-256 key for personal fields."""

    kid: int
    key: bytes


class TokenKey(msgspec.Struct, frozen=True):
    """An Ed25519 seed that signs access tokens."""

    kid: str
    seed: bytes


class ExportKey(msgspec.Struct, frozen=True):
    """An Ed25519 key that signs what citizens take with them; of one long replaced only the public half is left."""

    kid: str
    public: bytes
    seed: bytes | None


class CodeKey(msgspec.Struct, frozen=True):
    """An AES-256 key for credit codes, in force from ``since`` (unix seconds)."""

    kid: int
    key: bytes
    since: int


class KeyRing(msgspec.Struct, kw_only=True):
    """Every key of a city. The last of each list is the current one; earlier ones only read."""

    environment: str
    field: list[FieldKey]
    token: list[TokenKey]
    code: list[CodeKey]
    blind_index: bytes
    tombstone: bytes
    refresh: bytes
    audit: bytes
    export: list[ExportKey] = []

    def token_key(self, kid: str) -> TokenKey | None:
        """Find a token key by its id."""
        return next((key for key in self.token if key.kid == kid), None)

    def field_key(self, kid: int) -> FieldKey | None:
        """Find a field key by its id."""
        return next((key for key in self.field if key.kid == kid), None)

    def code_keys(self, now: float) -> list[CodeKey]:
        """Return the keys a code may be under, the current one first, then those replaced within the overlap."""
        started = [key for key in self.code if key.since <= now] or self.code[:1]
        replaced = [key for key, after in pairwise(started) if now < after.since + CODE_KEY_OVERLAP_SECONDS]
        return [started[-1], *reversed(replaced)]


def make_keys(environment: str) -> KeyRing:
    """Make a fresh ring of random keys."""

    def random_key() -> bytes:
        return secrets.token_bytes(KEY_BYTES)

    return KeyRing(
        environment=environment,
        field=[FieldKey(1, random_key())],
        token=[TokenKey(secrets.token_hex(4), random_key())],
        code=[CodeKey(1, random_key(), 0)],
        blind_index=random_key(),
        tombstone=random_key(),
        refresh=random_key(),
        audit=random_key(),
        export=[make_export_key()],
    )


def make_export_key() -> ExportKey:
    """Make a fresh key for signing exports."""
    seed = secrets.token_bytes(KEY_BYTES)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return ExportKey(secrets.token_hex(4), public, seed)


def rotate_keys(ring: KeyRing, now: float) -> KeyRing:
    """Return a ring whose code, token and export keys have a new current one; the old ones read on for their overlap.

    A new code key comes into force an overlap later, when every process has read the ring; rotating again before that
    loses no key under which a code may still be out. What was ever exported can be checked for ever: of the export keys
    all public halves stay, and the seeds of the last two.
    """
    in_use = ring.code_keys(now)
    kept = [key for key in ring.code if key.since > now or key in in_use]
    code = CodeKey(ring.code[-1].kid + 1, secrets.token_bytes(KEY_BYTES), int(now) + CODE_KEY_OVERLAP_SECONDS)
    token = TokenKey(secrets.token_hex(4), secrets.token_bytes(KEY_BYTES))
    past = [msgspec.structs.replace(key, seed=None) for key in ring.export[:-1]]
    export = [*past, *ring.export[-1:], make_export_key()]
    return msgspec.structs.replace(ring, code=[*kept, code], token=[*ring.token[-1:], token], export=export)


def announce_keys(rotated: KeyRing) -> KeyRing:
    """Return a rotated ring in which the new keys do not sign yet: every process must know them first."""
    export = rotated.export[:-2] + rotated.export[:-3:-1]
    return msgspec.structs.replace(rotated, token=rotated.token[::-1], export=export)


def write_keys(path: Path, ring: KeyRing) -> None:
    """Write the ring so that only its owner reads it, and never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(ring)))
    draft.replace(path)


def read_keys(path: Path) -> KeyRing:
    """Read the ring; production refuses keys that were made for development."""
    ring = msgspec.json.decode(path.read_bytes(), type=KeyRing)
    if SETTINGS.environment == "production" and ring.environment != "production":
        raise SystemExit(f"{path} holds development keys; production needs its own: huixin keys create --production")
    return ring


class Keys:
    """The ring in force; reads the file when first needed and again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ring: KeyRing | None = None
        self._changed_at = 0

    @property
    def ring(self) -> KeyRing:
        """Return the ring, loading it the first time."""
        if self._ring is None:
            self.refresh()
        assert self._ring is not None
        return self._ring

    def refresh(self) -> None:
        """Read the file again if it was replaced; called at start and by the half-second poll."""
        changed_at = self.path.stat().st_mtime_ns
        if changed_at != self._changed_at:
            self._ring, self._changed_at = read_keys(self.path), changed_at

    def token_key(self, kid: str) -> TokenKey | None:
        """Find a token key by its id."""
        return self.ring.token_key(kid)

    def code_keys(self, now: float | None = None) -> list[CodeKey]:
        """Return the code keys in force, current first."""
        return self.ring.code_keys(time.time() if now is None else now)


KEYS = Keys(SETTINGS.keys_path)


def ensure_keys() -> None:
    """Make the key file of an embedded or development city at its first start."""
    if not KEYS.path.exists():
        if SETTINGS.environment == "production":
            raise SystemExit(f"production needs its own key file at {KEYS.path}: huixin keys create --production")
        write_keys(KEYS.path, make_keys("development"))
    add_export_key(KEYS.path)
    KEYS.refresh()


def add_export_key(path: Path) -> None:
    """Give a key file from before exports were signed its first export key; one at a time, so that there is only one.

    Where the file cannot be written the city runs on, and exports are refused until ``huixin keys rotate`` has run
    where it can.
    """
    if read_keys(path).export:
        return
    try:
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ring = read_keys(path)
            if not ring.export:
                write_keys(path, msgspec.structs.replace(ring, export=[make_export_key()]))
    except OSError as error:
        LOG.warning("the key file cannot be given a key for exports: %s", error.strerror)
