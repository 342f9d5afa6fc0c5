"""What machine the figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import asyncpg
import msgspec
import psutil

GIBIBYTE = 1024**3


class Machine(msgspec.Struct, frozen=True):
    """A machine and what runs on it."""

    cpu: str
    cores: int
    memory_gib: float
    postgresql: str
    python: str
    system: str

    def describe(self) -> str:
        """Return the machine as a line."""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:.1f} GiB, PostgreSQL {self.postgresql},"
            f" Python {self.python}, {self.system}"
        )


async def describe_machine(database_url: str) -> Machine:
    """Look at this machine and at the database the figures are measured with."""
    connection = await asyncpg.connect(database_url)
    version = str(await connection.fetchval("SHOW server_version"))
    await connection.close()
    return Machine(
        cpu=_name_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        memory_gib=round(psutil.virtual_memory().total / GIBIBYTE, 1),
        postgresql=version,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
    )


def _name_cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
