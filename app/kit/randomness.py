"""What tells a process from every other: random bytes by the handful, and its place among the workers.

The bytes are fetched from the system by the page: a system call costs more than most uses.
"""

from __future__ import annotations

import os

PAGE_BYTES = 4096
WORKER_PLACE = "HUIXIN_WORKER_PLACE"


class RandomPage:
    """Secure random bytes, each given out once; a forked process begins with a page of its own."""

    def __init__(self) -> None:
        self._page = b""
        self._used = 0
        os.register_at_fork(after_in_child=self.forget)

    def take(self, count: int) -> int:
        """Return ``count`` fresh random bytes as a number."""
        begin = self._used
        self._used = begin + count
        if self._used > len(self._page):
            self._page, begin, self._used = os.urandom(PAGE_BYTES), 0, count
        return int.from_bytes(self._page[begin : begin + count])

    def forget(self) -> None:
        """Drop the page: what a parent holds must not come out of two processes."""
        self._page, self._used = b"", 0


def read_worker_place() -> int:
    """Return which of the API's workers this process is, from 0; the supervisor says so when it starts one."""
    return int(os.environ.get(WORKER_PLACE, "0"))


RANDOM = RandomPage()
