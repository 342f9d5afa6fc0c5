"""Who may join, as far as that can be judged from what they typed. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

import msgspec

from app.citizen.paper import ADULT_AGE, IdNumber, compute_age, parse_id_number
from app.intake.fact.judge import OWN_SOURCE
from app.values.names import clean_name

TOMBSTONE_LIFETIME = timedelta(days=365)
IDENTITY_SOURCE = OWN_SOURCE
IDENTITY_INDICATOR = "BASE_ID_VERIFIED"


class Application(msgspec.Struct, frozen=True):
    """What somebody who wants to join or to move typed, and the consents they accepted, as purpose and version."""

    name: str
    id_number: str
    phone_code: str
    accepted: list[tuple[str, int]]


class Obstacle(StrEnum):
    """What keeps somebody from joining that their application says itself."""

    ID_NUMBER = "id_number_invalid"
    NAME = "name_invalid"
    UNDER_AGE = "under_age"


class Applicant(msgspec.Struct, frozen=True):
    """An adult's name and ID number, well formed and not verified yet."""

    name: str
    id_number: IdNumber


def parse_applicant(name: str, id_number: str, on: date) -> Applicant | Obstacle:
    """Read what an applicant typed, or return what keeps them from joining; minors have no score."""
    number_read, name_read = parse_id_number(id_number), clean_name(name)
    if number_read is None or number_read.birth_on > on:
        return Obstacle.ID_NUMBER
    if name_read is None:
        return Obstacle.NAME
    if compute_age(number_read.birth_on, on) < ADULT_AGE:
        return Obstacle.UNDER_AGE
    return Applicant(name_read, number_read)
