"""Who may join, judged before anybody else is asked."""

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
    """Read what an applicant typed; minors have no score."""
    known_number, known_name = parse_id_number(id_number), clean_name(name)
    if known_number is None or known_number.birth_on > on:
        return Obstacle.ID_NUMBER
    if known_name is None:
        return Obstacle.NAME
    if compute_age(known_number.birth_on, on) < ADULT_AGE:
        return Obstacle.UNDER_AGE
    return Applicant(known_name, known_number)
