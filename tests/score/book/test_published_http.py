"""What anybody reads of the rules: what counts, what counted, what is going to, and the shape of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.web.openapi import describe_api
from app.main import create_app
from app.score.book.document import RuleBook
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from tests.support.officials import OfficialLogin, make_official
from tests.support.rule_books import approve, copy_book, submit, withdraw_scheduled

if TYPE_CHECKING:
    from httpx2 import AsyncClient

PUBLIC = "/v1/rule-books"


async def get(client: AsyncClient, path: str) -> Any:
    answer = await client.get(f"{PUBLIC}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
async def reviewer(app: object) -> OfficialLogin:
    del app
    return await make_official(roles=["reviewer"])


async def test_the_current_rules_say_everything(client: AsyncClient, reviewer: OfficialLogin) -> None:
    """Every part of the document is there, and a person can follow it without the document."""
    await withdraw_scheduled(client, reviewer)
    shown = await get(client, "current")
    document = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    for name in ("code", "version", "titleZh", "titleEn", "scale", "levels", "engineRules"):
        assert shown[name] == document[name]
    assert [one["code"] for one in shown["indicators"]] == [one["code"] for one in document["indicators"]]
    assert (shown["state"], shown["effectiveOn"], shown["retiredAt"], shown["next"]) == ("active", None, None, None)
    assert shown["activatedAt"] is not None
    reading = "\n".join(sentence["zh"] + sentence["en"] for sentence in shown["reading"])
    assert "500" in shown["reading"][0]["zh"]
    for level in STANDARD_BOOK.levels:
        assert f"{level.title_zh}：{level.at_least}分以上" in reading
        assert f"{level.title_en}: from {level.at_least}" in reading
    for dimension in STANDARD_BOOK.dimensions:
        assert (
            f"“{dimension.title_zh}”（{dimension.code}）合计最低{dimension.floor}分、最高{dimension.cap}分" in reading
        )
    assert all(one["textZh"] and one["textEn"] for one in shown["indicators"])


async def test_what_is_approved_is_announced_and_can_be_read_before_it_counts(
    client: AsyncClient, reviewer: OfficialLogin
) -> None:
    await withdraw_scheduled(client, reviewer)
    editor = await make_official(roles=["editor"])
    draft = await copy_book(client, editor)
    path = f"{draft['code']}/{draft['version']}"
    assert (await client.get(f"{PUBLIC}/{path}")).status_code == 404
    submitted = await submit(client, editor, draft)
    assert (await client.get(f"{PUBLIC}/{path}")).status_code == 404
    scheduled = await approve(client, reviewer, submitted)
    coming = {"code": draft["code"], "version": draft["version"], "effectiveOn": scheduled["effectiveOn"]}
    assert (await get(client, "current"))["next"] == coming
    shown = await get(client, path)
    assert (shown["state"], shown["effectiveOn"], shown["activatedAt"]) == ("scheduled", coming["effectiveOn"], None)
    assert (await get(client, "rating/1"))["next"] == coming
    await withdraw_scheduled(client, reviewer)
    shown = await get(client, path)
    assert (shown["state"], shown["activatedAt"], shown["next"]) == ("retired", None, None)
    assert shown["retiredAt"] is not None


@pytest.mark.parametrize(
    "path",
    ["rating/99999", "rating/0", "rating/-1", "rating/2147483648", f"rating/{10**30}", "ledger/1", "nothing/1",
     "rating/x", "rating", "rating/1/2", f"{'a' * 3000}/1"],
)  # fmt: skip
async def test_what_is_not_published_is_not_found(client: AsyncClient, path: str) -> None:
    answer = await client.get(f"{PUBLIC}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_shape_of_a_document_is_published(client: AsyncClient) -> None:
    schema = await get(client, "schema")
    assert schema["$ref"] == "#/$defs/RuleBook"
    shapes = schema["$defs"]
    assert all(shape["description"] for shape in shapes.values())
    document = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    check(document, schema["$defs"]["RuleBook"], shapes, "")
    assert set(shapes["RuleBook"]["required"]) == {
        field.encode_name for field in msgspec.structs.fields(RuleBook) if field.required
    }


def check(value: Any, shape: dict[str, Any], shapes: dict[str, Any], place: str) -> None:
    """Check that a document has nothing its schema does not know, nor less than it requires."""
    while "$ref" in shape:
        shape = shapes[shape["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        assert set(shape["required"]) <= set(value) <= set(shape["properties"]), place
        assert shape["additionalProperties"] is False
        for name, one in value.items():
            check(one, shape["properties"][name], shapes, f"{place}/{name}")
    elif isinstance(value, list):
        assert shape["type"] == "array", place
        for number, one in enumerate(value):
            check(one, shape["items"], shapes, f"{place}/{number}")


def test_the_moves_of_a_rule_book_are_published() -> None:
    described = describe_api(create_app())
    states = described["x-states"]
    assert states["rule_book"]["submitted"] == {"approve": "scheduled", "reject": "draft"}
    assert states["rule_book"]["scheduled"] == {"activate": "active", "withdraw": "retired"}
    moving = {one["operationId"]: one for item in described["paths"].values() for one in item.values()}
    for name in ("editRuleBook", "submitRuleBook", "rejectRuleBook", "approveRuleBook", "withdrawRuleBook"):
        assert {"409", "412", "428"} <= set(moving[name]["responses"])
