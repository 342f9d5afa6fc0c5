"""Random bytes come out once, and never out of two processes."""

from __future__ import annotations

import os

from app.kit.randomness import PAGE_BYTES, RandomPage


def test_every_byte_is_given_once() -> None:
    page = RandomPage()
    taken = [page.take(16) for _ in range(3 * PAGE_BYTES // 16)]
    assert len(set(taken)) == len(taken)
    assert max(taken) < 2**128
    assert max(taken) > 2**120  # all sixteen bytes are used


def test_a_forked_process_has_bytes_of_its_own() -> None:
    page = RandomPage()
    page.take(16)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, page.take(16).to_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert int.from_bytes(os.read(read_end, 16)) != page.take(16)
