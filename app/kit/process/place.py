"""Which of the API's workers this process is: the supervisor says so in the environment when it starts one."""

from __future__ import annotations

import os

WORKER_PLACE = "HUIXIN_WORKER_PLACE"


def read_worker_place() -> int:
    """Return the place among the workers, from 0; 0 in a process that is none."""
    return int(os.environ.get(WORKER_PLACE, "0"))
