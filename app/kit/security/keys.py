"""The city's secret keys: in one 0600 file made at first start, or in a file the operator provides."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.settings import read_settings

LOG = logging.getLogger("huixin.keys")
KEY_BYTES = 32
# The last code issued under a key is for the third slot ahead and opens until 15 s after it: 105 s.
CODE_KEY_OVERLAP_SECONDS = 120


# Only its owner may read the file: bits that must not be set in one that replaces it.
MODE_OPEN = stat.S_IRWXO | stat.S_IWGRP


class KeysUnusable(Exception):  # noqa: N818 - it says what is true
    """A key file that is not whole; says why, and nothing of what is in it."""


class Stamp(NamedTuple):
    """The state of a file: another one says that the file was changed or replaced."""

    inode: int
    size: int
    changed_at: int
    mode: int


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
        if len(self.code) == 1:  # never replaced yet
            return self.code[:]
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
    readable = [key for key in ring.code if key.since > now or key in in_use]
    code = CodeKey(ring.code[-1].kid + 1, secrets.token_bytes(KEY_BYTES), int(now) + CODE_KEY_OVERLAP_SECONDS)
    token = TokenKey(secrets.token_hex(4), secrets.token_bytes(KEY_BYTES))
    past = [msgspec.structs.replace(key, seed=None) for key in ring.export[:-1]]
    export = [*past, *ring.export[-1:], make_export_key()]
    return msgspec.structs.replace(ring, code=[*readable, code], token=[*ring.token[-1:], token], export=export)


def announce_keys(rotated: KeyRing) -> KeyRing:
    """Return a rotated ring in which the new keys do not sign yet: every process must have read them first."""
    export = rotated.export[:-2] + rotated.export[:-3:-1]
    return msgspec.structs.replace(rotated, token=rotated.token[::-1], export=export)


def write_keys(path: Path, ring: KeyRing) -> None:
    """Replace the file as a whole, readable by its owner alone; who reads meanwhile gets the old one or this one.

    It is on the disk before it takes the old one's place: a power cut must not leave an empty file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(ring)))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the key file for one who reads it, changes it and writes it back."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def rotate_file(path: Path, spread_seconds: float) -> None:
    """Give the file new keys: announced first, signing after ``spread_seconds``, when every process has read them.

    Broken off between the two it is a good file, whose new keys do not sign yet.
    """
    with only_writer(path):
        rotated = rotate_keys(read_keys(path), time.time())
        write_keys(path, announce_keys(rotated))
        time.sleep(spread_seconds)
        write_keys(path, rotated)


def read_keys(path: Path) -> KeyRing:
    """Read the ring; production refuses keys that were made for development."""
    ring = parse_keys(path.read_bytes())
    if read_settings().environment == "production" and ring.environment != "production":
        raise SystemExit(f"{path} holds development keys; production needs its own: huixin keys create --production")
    return ring


def parse_keys(text: bytes) -> KeyRing:
    """Read a ring from what a key file holds; raises KeysUnusable unless it is whole."""
    try:
        ring = msgspec.json.decode(text, type=KeyRing)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise KeysUnusable(type(error).__name__) from None  # the error quotes what it read
    lists: list[list[bytes]] = [
        [key.key for key in ring.field], [key.seed for key in ring.token], [key.key for key in ring.code],
    ]  # fmt: skip
    alone = [ring.blind_index, ring.tombstone, ring.refresh, ring.audit, *(key.public for key in ring.export)]
    if not all(lists) or any(len(key) != KEY_BYTES for key in [*alone, *chain.from_iterable(lists)]):
        raise KeysUnusable("a key is missing or has not its length")
    return ring


def is_successor(ring: KeyRing, previous: KeyRing) -> bool:
    """Whether everything stored under the previous ring can still be read and found under this one."""
    fixed = ("environment", "blind_index", "tombstone", "audit")
    return all(getattr(ring, name) == getattr(previous, name) for name in fixed) and all(
        key in ring.field for key in previous.field
    )


class Keys:
    """The ring in force; reads the file when first needed and again when it has changed."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ring: KeyRing | None = None
        self._taken: Stamp | None = None
        self._ignored: Stamp | None = None

    @property
    def path(self) -> Path:
        """Where the file lies: as the settings say, unless another was named."""
        return self._path or read_settings().keys_path

    @property
    def ring(self) -> KeyRing:
        """Return the ring, loading it the first time."""
        if self._ring is None:
            self.load()
        assert self._ring is not None
        return self._ring

    @property
    def is_loaded(self) -> bool:
        """Whether there is a ring in force."""
        return self._ring is not None

    def load(self) -> None:
        """Read the file for the first time; raises when it cannot be used."""
        self._taken = read_stamp(self.path)
        self._ring = read_keys(self.path)

    def refresh(self) -> None:
        """Take the file's ring if it was replaced by a whole one; called by the half-second poll.

        Anything else is ignored, with one warning for each state it is seen in, and looked at again next time: a file
        that is being written, emptied, spoilt, another city's, or one that others may read.
        """
        if self._ring is None:
            self.load()
            return
        stamp = None
        try:
            stamp = read_stamp(self.path)
            if stamp == self._taken:
                return
            if stamp.mode & MODE_OPEN:
                raise KeysUnusable("others may read or write it")  # noqa: TRY301 - ignored like all else
            ring = read_keys(self.path)
            if not is_successor(ring, self._ring):
                raise KeysUnusable("what is stored could not be read with it")  # noqa: TRY301
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is wrong with it, the city goes on
            if stamp is None or stamp != self._ignored:
                why = str(error) if isinstance(error, KeysUnusable) else type(error).__name__
                LOG.warning("the key file is ignored and the keys before it stay in force: %s", why)
            self._ignored = stamp
            return
        self._ring, self._taken = ring, stamp

    def token_key(self, kid: str) -> TokenKey | None:
        """Find a token key by its id."""
        return self.ring.token_key(kid)

    def code_keys(self, now: float | None = None) -> list[CodeKey]:
        """Return the code keys in force, current first."""
        return self.ring.code_keys(time.time() if now is None else now)


def read_stamp(path: Path) -> Stamp:
    """Return the state a file is in."""
    state = path.stat()
    return Stamp(state.st_ino, state.st_size, state.st_mtime_ns, stat.S_IMODE(state.st_mode))


KEYS = Keys()


def ensure_keys() -> None:
    """Make the key file of an embedded or development city at its first start.

    A process that has the keys, because it was forked from one, never makes new ones: the file may be about to come
    back.
    """
    if KEYS.is_loaded:
        KEYS.refresh()
        return
    if not KEYS.path.exists():
        if read_settings().environment == "production":
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
        with only_writer(path):
            ring = read_keys(path)
            if not ring.export:
                write_keys(path, msgspec.structs.replace(ring, export=[make_export_key()]))
    except OSError as error:
        LOG.warning("the key file cannot be given a key for exports: %s", error.strerror)
