"""Names and ID numbers as people type them: joined, stored as the provider knows them, matched however spelt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.citizen.actions.sealing import NAME as NAME_COLUMN
from app.citizen.actions.sealing import PERSON_PURPOSE, open_field
from app.kit.db.database import execute, fetch_value
from app.kit.security.crypto import blind_index, encrypt_field
from tests.support.citizens import identity_body, join, log_in, make_id_number
from tests.support.files import finish, line_of, make_file, make_source, upload
from tests.support.importing import item_of, outcomes_of, records_of

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

WIDE = {place: place + 0xFEE0 for place in range(0x21, 0x7F)}


async def stored_name(citizen_id: UUID) -> str | None:
    cipher = await fetch_value("SELECT name_cipher FROM citizen WHERE id = $1", citizen_id)
    return open_field(cipher, NAME_COLUMN, citizen_id)


def ending_in_x() -> str:
    return next(number for number in iter(make_id_number, "") if number.endswith("X"))


@pytest.mark.parametrize(
    "way", ["{} ", " {}", "groups", "wide", "small", "wide x", "\u202d{}\u202c", "{}\r\n", "\ufeff{}"]
)
async def test_however_an_id_number_is_typed_its_holder_joins_once(client: AsyncClient, way: str) -> None:
    number = ending_in_x()
    typed = {
        "groups": f"{number[:6]} {number[6:14]} {number[14:]}", "wide": number.translate(WIDE), "small": number.lower(),
        "wide x": number[:-1] + "Ｘ",
    }.get(way, way.format(number))  # fmt: skip
    person = await join(client, id_number=typed)
    assert (
        await outcomes_of(client, item_of(person, idNumber=number), item_of(person, idNumber=typed)) == ["accepted"] * 2
    )
    source = await make_source()
    cell = f'"{typed}"' if "\n" in typed else typed
    report = await finish(client, await upload(client, make_file(line_of(person, number=cell)), source))
    assert report["summary"]["accepted"] == 1
    again = await client.post(
        "/v1/me/identity", json=identity_body(id_number=number), headers=(await log_in(client)).headers
    )
    assert (again.status_code, again.json()["code"]) == (409, "identity_taken")


SPELLINGS = {
    "王芳": ["王　芳", "王 芳", "王  芳", "王芳\u200e", "王芳\u200b", "\u202d王芳\u202c", "王芳\ufe0f", " 王芳 "],
    "阿依古丽·热合曼": [f"阿依古丽{dot}热合曼" for dot in ("•", "・", "‧", "．", ".", "。", "●", " · ")],
    "刘䶮": ["刘\ue863", "刘 \ue863"],
    "隆丽": ["\uf9dc丽"],
    "Anna Bell": ["ANNA BELL", "Ａnna  Bell"],
    f"刘{chr(0x323B0)}": [f"刘 {chr(0x323B0)}"],
}


@pytest.mark.parametrize("name", SPELLINGS)
async def test_a_name_is_matched_however_it_is_spelt(client: AsyncClient, name: str) -> None:
    person, source = await join(client, name=name), await make_source()
    assert await stored_name(person.id) == name
    spellings = SPELLINGS[name]
    items = [item_of(person, name=spelling) for spelling in spellings]
    assert await outcomes_of(client, *items) == ["accepted"] * len(items)
    lines = [line_of(person, name=spelling) for spelling in spellings]
    report = await finish(client, await upload(client, make_file(*lines), source))
    assert report["summary"]["accepted"] == len(lines), report["quarantined"]
    wrong = await finish(client, await upload(client, make_file(line_of(person, name="王芬")), source))
    assert wrong["quarantined"] == {"name_mismatch": 1}
    for spelling in spellings:
        other = await join(client, name=spelling)
        assert await outcomes_of(client, item_of(other, name=name)) == ["accepted"]


async def test_a_name_is_stored_as_the_provider_verified_it(client: AsyncClient) -> None:
    """The register has today's letter for a character of a font's private range; a compatibility one it may have."""
    assert await stored_name((await join(client, name="刘\ue863")).id) == "刘䶮"
    assert await stored_name((await join(client, name="\uf9dc 丽")).id) == "\uf9dc丽"
    tokens = await log_in(client)
    refused = await client.post("/v1/me/identity", json=identity_body(name="刘\ue000"), headers=tokens.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "name_invalid")


async def test_who_was_stored_before_names_were_folded_is_still_found(client: AsyncClient) -> None:
    """Most are found by the stored index; a citizen with an older index is found by the stored name."""
    person, source = await join(client, name="王芳"), await make_source()
    old = blind_index("王 芳", person.id_number, purpose=PERSON_PURPOSE)
    cipher = encrypt_field("王 芳", column=NAME_COLUMN, row_id=person.id)
    await execute("UPDATE citizen SET person_index = $2, name_cipher = $3 WHERE id = $1", person.id, old, cipher)
    spellings = ("王芳", "王 芳", "王　芳")
    report = await finish(
        client, await upload(client, make_file(*(line_of(person, name=spelling) for spelling in spellings)), source)
    )
    assert report["summary"]["accepted"] == len(spellings)
    assert await outcomes_of(client, *(item_of(person, name=one) for one in spellings)) == ["accepted"] * 3
    assert await outcomes_of(client, item_of(person, name="王芬")) == ["not_a_member"]
    assert len(await records_of(person)) == 2 * len(spellings)


@pytest.mark.parametrize(("area", "district"), [("935840", None), ("810000", None), (None, "99")])
async def test_a_nationality_is_not_stored_as_a_district(
    client: AsyncClient, area: str | None, district: str | None
) -> None:
    person = await join(client, id_number=make_id_number(district=area))
    stored = await fetch_value("SELECT district FROM citizen WHERE id = $1", person.id)
    assert stored is None if district is None else stored.startswith(district)
    assert await outcomes_of(client, item_of(person)) == ["accepted"]
