"""What a killed service leaves behind does not stop the next one, and no stranger is taken for its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis import AuthenticationError, Redis
from redis.exceptions import NoPermissionError

from app.kit.process.embedded import _forget_dead_server, _forget_dead_users, _stop_orphan, embedded_valkey, free_port


@pytest.fixture
def stranger() -> Iterator[int]:
    """Run a process that is no server of ours."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    assert process.poll() is None, "a stranger was ended"
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("text", ["", "not a number\n", "-1\n"])
def test_a_broken_pid_file_is_removed(tmp_path: Path, text: str) -> None:
    pid_file = tmp_path / "pid"
    for forget in (_forget_dead_server, _stop_orphan):
        pid_file.write_text(text)
        forget(pid_file)
        assert not pid_file.exists()
        forget(pid_file)


def test_a_number_that_belongs_to_a_stranger_by_now_is_not_ours(tmp_path: Path, stranger: int, dead: int) -> None:
    pid_file = tmp_path / "pid"
    for number in (stranger, dead):
        for forget in (_forget_dead_server, _stop_orphan):
            pid_file.write_text(f"{number}\n/somewhere\n")
            forget(pid_file)
            assert not pid_file.exists()


def test_users_that_died_do_not_keep_a_server_up(tmp_path: Path, dead: int) -> None:
    users = tmp_path / "users.json"
    _forget_dead_users(users)
    assert not users.exists()
    users.write_text(json.dumps([os.getpid(), dead]))
    _forget_dead_users(users)
    assert json.loads(users.read_text()) == [os.getpid()]


def test_the_valkey_of_a_killed_parent_is_stopped_before_another_starts(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from app.kit.process.embedded import embedded_valkey
with embedded_valkey(Path({str(tmp_path)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    orphan = psutil.Process(int((tmp_path / "valkey" / "valkey.pid").read_text()))
    assert orphan.is_running()
    with embedded_valkey(tmp_path):
        assert not orphan.is_running()
    assert not (tmp_path / "valkey" / "valkey.pid").exists()


def test_a_port_that_somebody_took_meanwhile_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [free_port(), taken.getsockname()[1]]
        monkeypatch.setattr("app.kit.process.embedded.free_port", ports.pop)
        with embedded_valkey(tmp_path) as url:
            assert urlsplit(url).port != taken.getsockname()[1]
    assert ports == []


def test_a_stranger_on_this_machine_learns_only_that_valkey_is_up(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path) as url, Redis.from_url(url) as ours:
        address = urlsplit(url)
        ours.set("code", "7")
        with Redis(host=str(address.hostname), port=int(address.port or 0)) as stranger:
            assert stranger.ping()
            for command in ("GET code", "SET code 8", "KEYS *", "FLUSHALL", "CONFIG GET *", "ACL LIST", "SHUTDOWN"):
                with pytest.raises(NoPermissionError):
                    stranger.execute_command(*command.split())
            with pytest.raises(AuthenticationError):
                stranger.execute_command("AUTH", "huixin", "guess")
        assert ours.get("code") == b"7"
        assert str(address.password) not in "".join(path.read_text() for path in (tmp_path / "valkey").glob("*.[ac]*"))
