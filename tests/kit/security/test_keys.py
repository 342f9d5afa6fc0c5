"""Keys lie in one file only their owner reads; rotating loses nothing that is out; production wants its own."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from app.kit.security.keys import (
    CODE_KEY_OVERLAP_SECONDS,
    KeyRing,
    Keys,
    add_export_key,
    announce_keys,
    ensure_keys,
    is_successor,
    make_keys,
    read_keys,
    rotate_file,
    rotate_keys,
    write_keys,
)
from app.settings import read_settings

NOW = 1_900_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "keys.json"


def test_only_its_owner_reads_the_file(path: Path) -> None:
    before = os.umask(0)
    try:
        write_keys(path, make_keys("development"))
        write_keys(path, make_keys("development"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_keys_come_back_as_they_were_written(path: Path) -> None:
    ring = make_keys("development")
    write_keys(path, ring)
    assert msgspec.json.encode(read_keys(path)) == msgspec.json.encode(ring)


def test_all_keys_are_different() -> None:
    one, other = make_keys("development"), make_keys("development")
    secrets = [
        key
        for ring in (one, other)
        for key in (
            ring.field[0].key, ring.token[0].seed, ring.code[0].key, ring.blind_index, ring.tombstone, ring.refresh,
            ring.audit, ring.export[0].seed or b"",
        )
    ]  # fmt: skip
    assert len(set(secrets)) == 16
    assert all(len(secret) == 32 for secret in secrets)


def test_rotating_leaves_what_reads_stored_data_as_it_is() -> None:
    ring = make_keys("production")
    rotated = rotate_keys(ring, NOW)
    for name in ("environment", "field", "blind_index", "tombstone", "refresh", "audit"):
        assert getattr(rotated, name) == getattr(ring, name)


def test_a_new_code_key_comes_into_force_later_and_the_old_one_reads_on() -> None:
    ring = rotate_keys(make_keys("development"), NOW)
    begins = int(NOW) + CODE_KEY_OVERLAP_SECONDS
    assert [key.kid for key in ring.code_keys(begins - 1)] == [1]
    assert [key.kid for key in ring.code_keys(begins)] == [2, 1]
    assert [key.kid for key in ring.code_keys(begins + CODE_KEY_OVERLAP_SECONDS - 1)] == [2, 1]
    assert [key.kid for key in ring.code_keys(begins + CODE_KEY_OVERLAP_SECONDS)] == [2]


def test_a_new_token_key_is_read_everywhere_before_it_signs() -> None:
    ring = make_keys("development")
    rotated = rotate_keys(ring, NOW)
    announced = announce_keys(rotated)
    old, new = ring.token[0].kid, rotated.token[-1].kid
    assert announced.token[-1].kid == old
    assert announced.token_key(new) is not None
    assert rotated.token_key(old) is not None
    assert old != new


def test_what_was_ever_exported_can_be_checked_and_old_seeds_go() -> None:
    ring = make_keys("development")
    kids = [ring.export[0].kid]
    for _ in range(4):
        ring = rotate_keys(ring, NOW)
        kids.append(ring.export[-1].kid)
    assert [key.kid for key in ring.export] == kids
    assert len(set(kids)) == len({key.public for key in ring.export}) == 5
    assert [key.seed is not None for key in ring.export] == [False, False, False, True, True]


def test_a_new_export_key_is_read_everywhere_before_it_signs() -> None:
    rotated = rotate_keys(rotate_keys(make_keys("development"), NOW), NOW)
    first, replaced, new = rotated.export
    announced = announce_keys(rotated)
    assert announced.export == [first, new, replaced]
    assert announced.export[-1].seed is not None


def write_older(path: Path) -> dict[str, object]:
    """Write a key file as it was before exports were signed, and return what it holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    older: dict[str, object] = msgspec.to_builtins(make_keys("development"))
    del older["export"]
    path.write_bytes(msgspec.json.encode(older))
    return older


def test_an_older_file_is_given_an_export_key_once(path: Path) -> None:
    older = write_older(path)
    assert read_keys(path).export == []
    add_export_key(path)
    ring = read_keys(path)
    (key,) = ring.export
    assert key.seed is not None
    fields = msgspec.to_builtins(ring)
    assert {name: fields[name] for name in older} == older
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.read_bytes()
    add_export_key(path)
    assert path.read_bytes() == written


def test_many_at_once_give_it_one(path: Path) -> None:
    write_older(path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: add_export_key(path), range(8)))
    assert len(read_keys(path).export) == 1


def test_a_file_that_cannot_be_written_stays_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_older(path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("app.kit.security.keys.write_keys", refuse)
    add_export_key(path)
    assert read_keys(path).export == []
    assert "cannot be given a key for exports" in caplog.text


def test_rotating_gives_an_older_file_its_export_key(path: Path) -> None:
    write_older(path)
    rotated = rotate_keys(read_keys(path), NOW)
    assert len(rotated.export) == len(announce_keys(rotated).export) == 1


def test_a_replaced_file_is_read_again(path: Path) -> None:
    write_keys(path, make_keys("development"))
    keys = Keys(path)
    first = keys.ring
    keys.refresh()
    assert keys.ring is first
    write_keys(path, rotate_keys(first, NOW))
    os.utime(path, ns=(1, 1))
    keys.refresh()
    assert len(keys.ring.code) == 2


def without(*names: str, **changed: object) -> Callable[[KeyRing], bytes]:
    """Return what makes a file of a ring in which keys are missing or others."""

    def spoil(ring: KeyRing) -> bytes:
        fields: dict[str, object] = msgspec.to_builtins(ring)
        return msgspec.json.encode({name: value for name, value in (fields | changed).items() if name not in names})

    return spoil


def whole(ring: KeyRing) -> bytes:
    return msgspec.json.encode(ring)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"", lambda _: b"garbage", lambda _: b"\xff\xfe", lambda _: b"[" * 100_000, lambda _: b"null",
        lambda ring: whole(ring)[: len(whole(ring)) // 2], lambda ring: whole(ring)[:-1],
        without("audit"), without("code"), without("blind_index"), without(code=[]), without(token=[]),
        without(refresh=""), without(audit="AAAA"), without(field=[]),
        lambda ring: whole(msgspec.structs.replace(ring, blind_index=b"x" * 32)),
        lambda ring: whole(msgspec.structs.replace(ring, tombstone=b"x" * 32)),
        lambda ring: whole(msgspec.structs.replace(ring, audit=b"x" * 32)),
        lambda ring: whole(msgspec.structs.replace(ring, field=make_keys("development").field)),
        lambda _: whole(make_keys("development")),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_ignored_and_the_next_whole_one_is_taken(
    path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[KeyRing], bytes]
) -> None:
    write_keys(path, make_keys("development"))
    keys = Keys(path)
    ring = keys.ring
    rotated = rotate_keys(ring, NOW)
    path.write_bytes(spoil(rotated))
    for _ in range(3):
        keys.refresh()
    assert keys.ring is ring
    assert [record.levelname for record in caplog.records] == ["WARNING"], "said once"
    assert "stay in force" in caplog.text
    path.write_bytes(whole(rotated))
    keys.refresh()
    assert keys.ring == rotated


@pytest.mark.parametrize(
    ("mode", "is_taken"),
    [
        (0o600, True),
        (0o400, True),
        (0o640, True),
        (0o440, True),
        (0o660, False),
        (0o604, False),
        (0o602, False),
        (0o644, False),
    ],
)
def test_a_file_that_others_may_read_is_ignored(path: Path, mode: int, is_taken: bool) -> None:
    write_keys(path, make_keys("development"))
    keys = Keys(path)
    ring = keys.ring
    write_keys(path, rotate_keys(ring, NOW))
    path.chmod(mode)
    keys.refresh()
    assert (len(keys.ring.code) == 2) == is_taken
    path.chmod(0o600)
    keys.refresh()
    assert len(keys.ring.code) == 2


def test_a_file_that_is_gone_is_waited_for_and_no_other_is_made(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_keys(path, make_keys("development"))
    keys = Keys(path)
    ring, text = keys.ring, path.read_bytes()
    path.unlink()
    monkeypatch.setattr("app.kit.security.keys.KEYS", keys)
    ensure_keys()
    assert not path.exists()
    assert keys.ring is ring
    assert "FileNotFoundError" in caplog.text
    path.write_bytes(text)
    keys.refresh()
    assert keys.ring == ring


def test_keys_of_another_environment_do_not_end_the_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = make_keys("production")
    write_keys(path, ring)
    keys = Keys(path)
    assert keys.ring == ring
    monkeypatch.setattr(
        "app.kit.security.keys.read_settings",
        lambda: msgspec.structs.replace(read_settings(), environment="production"),
    )
    write_keys(path, msgspec.structs.replace(rotate_keys(ring, NOW), environment="development"))
    keys.refresh()
    assert keys.ring == ring


def test_no_key_is_in_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ring = make_keys("development")
    write_keys(path, ring)
    keys = Keys(path)
    assert keys.ring
    text = whole(ring)
    path.write_bytes(text[:-40] + b'!!"}')
    keys.refresh()
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert "ignored" in written
    assert not [secret for secret in re.findall(rb'"([A-Za-z0-9+/=]{20,})"', text) if secret.decode() in written]


def test_who_reads_while_it_is_replaced_always_gets_a_whole_file(path: Path) -> None:
    rings = [make_keys("development") for _ in range(2)]
    write_keys(path, rings[0])
    stopping = threading.Event()

    def write() -> None:
        for ring in itertools.cycle(rings):
            if stopping.is_set():
                return
            write_keys(path, ring)

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write) for _ in range(2)]
        try:
            seen = [read_keys(path) for _ in range(300)]
        finally:
            stopping.set()
        for one in writing:
            one.result()
    assert all(ring in rings for ring in seen)
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_keys(path, make_keys("development"))
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_keys(path, make_keys("development"))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_two_who_rotate_at_once_rotate_one_after_the_other(path: Path) -> None:
    ring = make_keys("development")
    write_keys(path, ring)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: rotate_file(path, 0.2), range(2)))
    rotated = read_keys(path)
    assert (len(rotated.code), len(rotated.export)) == (3, 3)
    assert is_successor(rotated, ring)


def test_rotating_a_spoilt_file_is_refused_and_changes_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"half":')
    refused = run_cli(path, "rotate", environment="development")
    assert refused.returncode == 1
    assert "stays as it is" in refused.stderr
    assert path.read_bytes() == b'{"half":'


def run_cli(path: Path, *arguments: str, environment: str = "production") -> subprocess.CompletedProcess[str]:
    """Run ``huixin keys …`` with a key file of this test's own."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "keys", *arguments],
        env={**os.environ, "KEY_FILE": str(path), "ENVIRONMENT": environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_refuses_development_keys(path: Path) -> None:
    write_keys(path, make_keys("development"))
    refused = run_cli(path, "rotate")
    assert refused.returncode == 1
    assert "development keys" in refused.stderr
    assert "huixin keys create --production" in refused.stderr


def test_the_command_line_makes_keys_once_and_rotates_them(path: Path) -> None:
    assert run_cli(path, "create", "--production").returncode == 0
    made = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    again = run_cli(path, "create", "--production")
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert path.read_bytes() == made
    assert run_cli(path, "rotate").returncode == 0
    ring = msgspec.json.decode(path.read_bytes())
    assert (len(ring["code"]), len(ring["token"]), ring["environment"]) == (2, 2, "production")
