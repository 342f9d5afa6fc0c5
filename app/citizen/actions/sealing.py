"""How personal fields are encrypted and indexed: each under its column and row, each index for one purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.queries.accounts import SealedMember, SealedPerson
from app.kit.security.crypto import blind_index, decrypt_field, encrypt_field
from app.values.names import clean_name, fold_name

if TYPE_CHECKING:
    from uuid import UUID

    from app.citizen.paper import Person

OPENID, ID_NUMBER, NAME, PHONE = "citizen.openid", "citizen.id_number", "citizen.name", "citizen.phone"
OPENID_PURPOSE, ID_NUMBER_PURPOSE, PHONE_PURPOSE = "openid", "id number", "phone"
PERSON_PURPOSE = "name and id number"


def seal_openid(citizen_id: UUID, openid: str) -> tuple[bytes, bytes]:
    """Return the blind index and the cipher text of an openid."""
    index = blind_index(openid, purpose=OPENID_PURPOSE)
    return index, encrypt_field(openid, column=OPENID, row_id=citizen_id)


def seal_person(citizen_id: UUID, person: Person) -> SealedPerson:
    """Return a person as the citizen's row stores them."""
    number = person.id_number.number
    return SealedPerson(
        id_number_index=compute_id_number_index(number),
        id_number_cipher=encrypt_field(number, column=ID_NUMBER, row_id=citizen_id),
        person_index=compute_person_index(person.name, number),
        name_cipher=encrypt_field(person.name, column=NAME, row_id=citizen_id),
        phone_index=blind_index(person.phone, purpose=PHONE_PURPOSE),
        phone_cipher=encrypt_field(person.phone, column=PHONE, row_id=citizen_id),
        birth_on=person.id_number.birth_on,
        district=person.id_number.district,
    )


def compute_id_number_index(number: str) -> bytes:
    """Return the blind index by which an ID number is found."""
    return blind_index(number, purpose=ID_NUMBER_PURPOSE)


def compute_person_index(name: str, number: str) -> bytes:
    """Return the blind index by which a name and an ID number are found together, however the name is spelt."""
    return blind_index(fold_name(name), number, purpose=PERSON_PURPOSE)


def is_person(member: SealedMember, person_index: bytes) -> bool:
    """Whether a member has the name and ID number of a blind index.

    The stored index answers for nearly all. It may be older than the table of twin characters by which names are folded
    today: then it is made anew from what is stored, so that nobody's records go astray when a twin is added.
    """
    if member.person_index == person_index:
        return True
    name = open_field(member.name_cipher, NAME, member.id)
    number = open_field(member.id_number_cipher, ID_NUMBER, member.id)
    if name is None or number is None:
        return False
    return compute_person_index(clean_name(name) or name, number) == person_index


def open_field(cipher: bytes | None, column: str, citizen_id: UUID) -> str | None:
    """Return a stored field in clear, or None when there is none."""
    return None if cipher is None else decrypt_field(cipher, column=column, row_id=citizen_id)
