"""Runs the command line in a process of its own, as an operator would, and watches how much memory it takes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import psutil

from load_tests.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOK_SECONDS = 0.05
MEBIBYTE = 1024 * 1024


class Ran(msgspec.Struct, frozen=True):
    """How long a command took, the most memory it and its children held at once, and what it printed."""

    seconds: float
    peak_mib: float
    output: str


def run_command(*arguments: str) -> Ran:
    """Run ``huixin`` with arguments to its end; a failure ends the bench with what it said."""
    begin = time.perf_counter()
    with start_command(*arguments) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        output, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"huixin {' '.join(arguments)}: {output}")
    return Ran(time.perf_counter() - begin, peak[0] / MEBIBYTE, output)


def start_command(*arguments: str) -> subprocess.Popen[str]:
    """Start ``huixin`` and return at once."""
    return subprocess.Popen(  # noqa: S603 - our own command
        command_of(arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def command_of(arguments: Sequence[str]) -> list[str]:
    """Return the command line of a verb."""
    return [sys.executable, "-m", "app.cli", *arguments]


def _watch(process: subprocess.Popen[str], peak: list[int]) -> None:
    """Keep the largest sum of resident memory seen; PostgreSQL is not a child and does not count."""
    while process.poll() is None:
        try:
            parent = psutil.Process(process.pid)
            held = sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))
        except psutil.Error:
            return
        peak[0] = max(peak[0], held)
        time.sleep(LOOK_SECONDS)
