"""Keys lie in one file only their owner reads; rotating loses nothing that is out; production wants its own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from app.kit.keys import (
    CODE_KEY_OVERLAP_SECONDS,
    Keys,
    add_export_key,
    announce_keys,
    make_keys,
    read_keys,
    rotate_keys,
    write_keys,
)

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


def test_a_new_token_key_is_known_everywhere_before_it_signs() -> None:
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


def test_a_new_export_key_is_known_everywhere_before_it_signs() -> None:
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
    told = msgspec.to_builtins(ring)
    assert {name: told[name] for name in older} == older
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

    monkeypatch.setattr("app.kit.keys.write_keys", refuse)
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
