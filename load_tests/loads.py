"""The loads: endless requests of one kind, made of a city."""

from __future__ import annotations

import itertools
import random
import secrets
from typing import TYPE_CHECKING

from app.credit_code.short_form import SALTS, compute_slot, encode_code
from app.kit.clock import now
from app.kit.security.keys import KEYS
from load_tests.client import make_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from load_tests.city import City, Till

CODES_PER_RUN = 40_000
_salts = itertools.count()
_orders = itertools.count()


def redemptions(
    accounts: list[int], tills: list[Till], *, key: bytes | None = None, number: int = CODES_PER_RUN
) -> Iterator[bytes]:
    """Return redemptions by code: each by somebody, at some till, of one of its benefits (of one in all on one till).

    They are made before the clock starts: making a code costs a fifth of what redeeming it does. ``key`` is what the
    city enciphers its codes with; None: this process's own.
    """
    codes = make_codes(random.sample(accounts, len(accounts)), number, key=key)
    return iter([_redemption(code, random.choice(tills), is_hot=len(tills) == 1) for code in codes])


def _redemption(code: str, till: Till, *, is_hot: bool) -> bytes:
    body = {
        "code": code, "benefitId": str(till.benefit_ids[0] if is_hot else random.choice(till.benefit_ids)),
        "terminalId": str(till.terminal_id), "reference": _number(till), "amountFen": 10000,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {till.api_key}", "Idempotency-Key": secrets.token_hex(12)}
    return make_request("POST", "/v1/partner/redemptions", headers, body)


def _number(till: Till) -> str:
    """Return an order number as tills make them: the moment, the till, and a number of its own."""
    return f"{now():%Y%m%d%H%M%S}-{till.terminal_id.hex[-8:]}-{next(_orders):06}-{secrets.token_hex(2)}"


def make_codes(accounts: list[int], number: int, *, key: bytes | None = None) -> list[str]:
    """Make codes of this slot: several for each citizen, each with another salt, and no run with another's."""
    key, slot = key or KEYS.code_keys()[0].key, compute_slot(now())
    salts = [next(_salts) % SALTS for _ in range(0, number, len(accounts))]
    return [
        encode_code(
            key=key,
            account_number=accounts[n % len(accounts)],
            slot=slot,
            generation=0,
            salt=salts[n // len(accounts)],
        )
        for n in range(number)
    ]


def score_reads(city: City) -> Iterator[bytes]:
    """Yield score reads by many citizens in turn."""
    return itertools.cycle(
        [make_request("GET", "/v1/me/score", {"Authorization": f"Bearer {token}"}) for token in city.tokens]
    )


def code_issues(city: City) -> Iterator[bytes]:
    """Yield requests for one code by many citizens in turn."""
    return itertools.cycle(
        [
            make_request("POST", "/v1/me/codes", {"Authorization": f"Bearer {token}"}, {"count": 1})
            for token in city.tokens
        ]
    )


def constant_posts(city: City) -> Iterator[bytes]:
    """Yield the requests for a code, to the constant route instead."""
    return itertools.cycle(
        [make_request("POST", "/constant", {"Authorization": f"Bearer {token}"}, {"count": 1}) for token in city.tokens]
    )


def constant_reads() -> Iterator[bytes]:
    """Yield reads of the constant route."""
    return itertools.repeat(make_request("GET", "/constant", {}))
