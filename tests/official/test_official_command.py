"""The command line invites administrators in a city with servers of its own, before anything else has started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# A city without settings: the command finds its own surroundings before it reads any.
NAMES = ("DATABASE_URL", "VALKEY_URL", "KEY_FILE", "WECHAT_BASE_URL", "IDENTITY_BASE_URL", "SMS_BASE_URL")
CODE = re.compile(r"enrolment code +(hxe_[\w-]{40,})")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    command = [sys.executable, "-m", "app.cli", "official", *arguments]
    return subprocess.run(
        command, env=environment | {"HUIXIN_VAR": str(folder)}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder the database server's own user can reach; pytest's are root's alone where root runs the tests."""
    made = Path(tempfile.mkdtemp(prefix="huixin-command-"))
    yield made
    shutil.rmtree(made)


def test_the_first_command_of_a_city_invites(folder: Path) -> None:
    codes = []
    for verb in ("create-administrator", "reset-administrator"):
        done = run(folder, verb, "first.administrator")
        assert done.returncode == 0, done.stderr
        found = CODE.search(done.stdout)
        assert found, done.stdout
        codes.append(found[1])
    assert codes[0] != codes[1]
    refused = run(folder, "create-administrator", "first.administrator")
    assert refused.returncode == 1
    assert "用户名已被占用" in refused.stderr
    assert "Traceback" not in refused.stderr
