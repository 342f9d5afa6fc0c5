"""Keys lie in one file only their owner reads; rotating loses nothing that is out; production wants its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from app.kit.keys import (
    CODE_KEY_OVERLAP_SECONDS,
    Keys,
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
            ring.audit,
        )
    ]  # fmt: skip
    assert len(set(secrets)) == 14
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
