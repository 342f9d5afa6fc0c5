"""Work aside: in a thread or in a process of its own, with the same answers, failures and order."""

from __future__ import annotations

import os
import threading

import pytest

from app.kit.jobs.aside import aside


class Counter:
    """Counts, and says where it lives."""

    def __init__(self, start: int) -> None:
        self.value = start

    def add(self, number: int) -> int:
        self.value += number
        return self.value

    def where(self) -> tuple[int, int]:
        return os.getpid(), threading.get_ident()

    def fail(self) -> None:
        raise ValueError(self.value)


@pytest.mark.parametrize("apart", [True, False])
async def test_an_object_elsewhere_keeps_its_state(apart: bool) -> None:
    async with aside(Counter, 5, apart=apart) as counter:
        assert [await counter.call("add", 1), await counter.call("add", 2)] == [6, 8]
        with pytest.raises(ValueError, match="8"):
            await counter.call("fail")
        process, thread = await counter.call("where")
        assert (process == os.getpid()) is not apart
        assert apart or thread != threading.get_ident(), "the loop goes on meanwhile"
