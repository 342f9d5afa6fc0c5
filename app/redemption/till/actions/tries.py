"""What a till was refused, noted for an operator who is asked why: no answer waits for it or depends on it.

A note is made when its answer is certain, beside it and without its citizen. It is lost where the database refuses it
or too many wait, which the log says, and where the process is killed. What a terminal repeats within a minute is noted
once, and what is more than the limits adds nothing to the story of a till or a partner gone wild.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from app.kit.db.group_commit import GroupCommit
from app.kit.errors import RateLimited
from app.kit.outside.rate_limit import DistinctLimit, LocalLimit
from app.redemption.till.queries import tries as tries_queries
from app.redemption.till.redeeming import SAME_TRY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.redemption.till.queries.tries import RefusedTry

LOG = logging.getLogger("huixin.redemption")
# So many different ones. A till holds one connection, and so meets one worker: a share of its limit would be too little
# for it. The table is bounded by what an institution may fill, which is shared.
NOTES_OF_TERMINAL_MAX, NOTES_OF_TERMINAL_SECONDS = 60, 60
NOTES_OF_INSTITUTION_MAX, NOTES_OF_INSTITUTION_SECONDS = 10_000, 3_600
NOTES_OF_TERMINAL = DistinctLimit("notes-terminal", NOTES_OF_TERMINAL_MAX, NOTES_OF_TERMINAL_SECONDS, share=1)
NOTES_OF_INSTITUTION = LocalLimit("notes-institution", NOTES_OF_INSTITUTION_MAX, NOTES_OF_INSTITUTION_SECONDS)
PACE_SECONDS = 0.1  # nobody waits for a note, so that a crowd of them may gather for one statement
BATCH_SIZE_MAX = 256
QUEUE_SIZE_MAX = 4096


def note_refused(one: RefusedTry) -> None:
    """Have a refused try stored soon, once within the window of its terminal and within the limits; raises nothing."""
    try:
        with suppress(RateLimited):
            if NOTES_OF_TERMINAL.hit(str(one.terminal_id or one.institution_id), f"{one.reference}:{one.outcome}"):
                NOTES_OF_INSTITUTION.need(one.institution_id)
                note_lane.offer(one)
    except Exception as error:
        LOG.warning("a refused try is not noted: %s", type(error).__name__, exc_info=error)


async def _write_notes(tries: list[RefusedTry]) -> Sequence[None]:
    try:
        await tries_queries.insert_refused(tries, SAME_TRY)
    except Exception as error:
        LOG.warning("%s refused tries are not noted: %s", len(tries), type(error).__name__, exc_info=error)
    return [None] * len(tries)


note_lane: GroupCommit[RefusedTry, None] = GroupCommit(
    _write_notes, lanes=1, pace_seconds=PACE_SECONDS, batch_size_max=BATCH_SIZE_MAX, queue_size_max=QUEUE_SIZE_MAX
)
