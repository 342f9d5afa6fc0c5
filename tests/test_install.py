"""What is installed is what the lock says; the lock names everything, so that no pip looks for a package itself."""

from __future__ import annotations

import re

import pytest

from tests.support.locked import (
    NOT_LOCKED,
    ROOT,
    find_differences,
    find_installed,
    find_needed,
    parse_lock,
    read_lock,
    read_roots,
)

LOCKS = {name: read_lock(ROOT / f"{name}.txt") for name in ("requirements", "requirements-dev")}
NAMES = re.compile(r"(?m)^([A-Za-z0-9][^\s;=]*)==")
SCRIPT = (ROOT / "install.sh").read_text(encoding="utf-8")


def test_what_runs_these_tests_is_what_is_locked() -> None:
    assert find_differences(parse_lock(LOCKS["requirements-dev"]), find_installed()) == [], "run `make clean test`"


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_everything_that_is_needed_and_nothing_else(name: str) -> None:
    assert set(parse_lock(LOCKS[name])) == find_needed(read_roots(ROOT / f"{name}.in")) - NOT_LOCKED


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_lacks_any_line_would_be_seen(name: str) -> None:
    needed = find_needed(read_roots(ROOT / f"{name}.in"))
    for one in parse_lock(LOCKS[name]):
        without = parse_lock(re.sub(rf"(?im)^{one.replace('-', '[-_.]')}==.*$", "", LOCKS[name]))
        assert needed - NOT_LOCKED - set(without) == {one}
        assert len(find_differences(without, parse_lock(LOCKS[name]))) == 1


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_is_there_once(name: str) -> None:
    pins = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCKS[name])
    assert [pin.splitlines()[0] for pin in pins[1:] if "--hash=sha256:" not in pin] == []
    pinned = [pin.partition(" \\")[0] for pin in pins[1:]]
    assert len(pinned) == len(set(pinned))


def test_the_lock_of_developers_adds_to_the_other_one() -> None:
    own = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert own.splitlines()[0] == "-r requirements.txt"
    repeated = {name for name in NAMES.findall(own) if name in NAMES.findall(LOCKS["requirements"])}
    assert (repeated, bool(NAMES.findall(own))) == (set(), True), "make requirements UPGRADE="
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert ".venv/installed-dev: requirements.txt requirements-dev.txt" in makefile


def test_markers_are_read() -> None:
    text = (
        "a==1 ; python_full_version < '3.11.3' \\\n    --hash=sha256:0\nB_c==2 ; sys_platform == 'plan9' \\\nd==3 \\\n"
    )
    assert parse_lock(text, {"python_full_version": "3.11.0"}) == {"a": "1", "d": "3"}
    assert parse_lock(text, {"python_full_version": "3.12.0", "sys_platform": "plan9"}) == {"b-c": "2", "d": "3"}


@pytest.mark.parametrize(
    ("installed", "reported"),
    [
        ({"a": "1", "pip": "22.3", "huixin": "0.1.0"}, []),
        ({}, ["a: locked 1, installed not at all"]),
        ({"a": "2"}, ["a: locked 1, installed 2"]),
        ({"a": "1", "b": "3"}, ["b: locked not at all, installed 3"]),
    ],
)
def test_every_difference_is_reported(installed: dict[str, str], reported: list[str]) -> None:
    assert find_differences({"a": "1"}, installed) == reported


def test_nothing_is_resolved_by_either_installation() -> None:
    installs = re.findall(r"^pip install .*$", SCRIPT, re.MULTILINE)
    assert len(installs) == 2
    assert all("--no-deps" in line for line in installs)
    assert "--require-hashes" in installs[0]
    assert "--no-build-isolation" in installs[1]
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for text in (docker, makefile):
        assert "install.sh requirements" in text
        assert "pip install" not in text
