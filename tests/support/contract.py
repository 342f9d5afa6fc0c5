"""A client that holds every answer to the published description: its status, its type, its shape, its refusal."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from httpx2 import AsyncClient
from jsonschema_rs import Draft202012Validator, ValidationError

from app.kit.request.bodies import UTF_8_MARK
from app.kit.web.http import PROBLEM_MEDIA_TYPE
from app.kit.web.openapi_files import find_refusals
from tests.support.description import DESCRIPTION, answers_of

if TYPE_CHECKING:
    from httpx2 import Request, Response

# What every path answers, whether or not it is an operation's: no operation lists these.
ANYWHERE = frozenset({"not_found", "method_not_allowed"})
# One bad item among good ones is refused by itself, in a body that is taken.
ITEM_BY_ITEM = frozenset({"importRecords"})
JSON = "application/json"
CODE = re.compile(r"`([a-z_]+)`: ")
HAN, ENGLISH_WORD = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2,} |[A-Za-z]{3,}")
PARAMETER = re.compile(r"\{[^}]+\}")


class ContractBroken(AssertionError):  # noqa: N818 - it says what is true
    """An answer is not what the description says."""


class ContractClient(AsyncClient):
    """An HTTP client of the service that takes no answer the description does not know."""

    async def send(self, request: Request, **options: Any) -> Response:
        """Send, and hold the answer to the description."""
        answer = await super().send(request, **options)
        if not options.get("stream"):
            check_answer(request.method, request.url.path, answer)
            if answer.is_success and request.headers.get("content-type") == JSON:
                check_request(request.method, request.url.path, request.content)
        return answer


def check_answer(method: str, path: str, answer: Response) -> None:
    """Raise ``ContractBroken`` when an answer is not one the description has for this operation."""
    operation = find_operation(method, path)
    if operation is None:
        if answer.status_code >= 400 and method != "HEAD":
            _check_problem(f"{method} {path}", answer, frozenset(_refusals_by_code()))
        return
    where = f"{operation['operationId']} {answer.status_code}"
    described = answers_of(operation).get(str(answer.status_code))
    if answer.status_code >= 400:
        listed = CODE.findall(described["description"]) if described else ()
        _check_problem(where, answer, ANYWHERE.union(listed))
    elif described is None:
        raise ContractBroken(f"{where}: this status is not described")
    else:
        _check_content(where, described.get("content", {}), answer)


def check_request(method: str, path: str, body: bytes) -> None:
    """Raise ``ContractBroken`` when a body that was taken is not one the description has for this operation."""
    operation = find_operation(method, path)
    if operation is None or operation["operationId"] in ITEM_BY_ITEM:
        return
    if body and JSON in (content := operation.get("requestBody", {}).get("content", {})):
        schema = msgspec.json.encode(content[JSON]["schema"], order="sorted")
        _check_shape(f"{operation['operationId']} was sent", schema, msgspec.json.decode(body.removeprefix(UTF_8_MARK)))


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that answers this, or None: a path of the operator's, or nobody's."""
    found = max(
        (item for pattern, item in _paths() if pattern.fullmatch(path)), key=lambda item: item[0], default=(0, {})
    )
    operation: dict[str, Any] | None = found[1].get(method.lower())
    return operation


@cache
def _paths() -> list[tuple[re.Pattern[str], tuple[int, dict[str, Any]]]]:
    """Return a pattern for each path, with how many of its characters are fixed: of two that fit the plainer counts."""
    found = []
    for path, item in DESCRIPTION["paths"].items():
        fixed = PARAMETER.split(path)
        pattern = "[^/]+".join(map(re.escape, fixed))
        found.append((re.compile(pattern), (len("".join(fixed)), item)))
    return found


@cache
def _refusals_by_code() -> dict[str, int]:
    return {kind.code: kind.status_code for kind in find_refusals()}


def _check_problem(where: str, answer: Response, codes: frozenset[str]) -> None:
    media_type = answer.headers.get("content-type", "")
    if media_type != PROBLEM_MEDIA_TYPE:
        raise ContractBroken(f"{where}: refused with {media_type!r}")
    problem = answer.json()
    _check_shape(where, msgspec.json.encode({"$ref": "#/components/schemas/Problem"}), problem)
    _check_language(where, answer.request.headers.get("accept-language", ""), problem)
    code = problem["code"]
    if code not in codes:
        raise ContractBroken(f"{where}: the refusal {code!r} is not described")
    if _refusals_by_code()[code] != answer.status_code:
        raise ContractBroken(f"{where}: {code!r} has another status")


def _check_language(where: str, wanted: str, problem: dict[str, Any]) -> None:
    """Whatever a problem says is in the caller's language; what the caller sent may be quoted in it."""
    texts = [problem["title"], problem["detail"]]
    texts += [error["detail"] for error in problem["errors"]] + [reason["text"] for reason in problem["reasons"]]
    is_english = wanted.lower().startswith("en")
    for text in texts:
        if not (ENGLISH_WORD if is_english else HAN).search(text):
            raise ContractBroken(f"{where}: {text!r} is in another language")


def _check_content(where: str, content: dict[str, Any], answer: Response) -> None:
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        if answer.content:
            raise ContractBroken(f"{where}: something was sent where nothing is described")
    elif media_type not in content:
        raise ContractBroken(f"{where}: {media_type!r} is not among {sorted(content)}")
    elif media_type == JSON:
        _check_shape(where, msgspec.json.encode(content[media_type]["schema"], order="sorted"), answer.json())


def _check_shape(where: str, schema: bytes, body: Any) -> None:
    try:
        _validator(schema).validate(body)
    except ValidationError as error:
        place = "/".join(map(str, error.instance_path))
        raise ContractBroken(f"{where}: at /{place}: {error.message[:400]}") from None


@cache
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(
        msgspec.json.decode(schema) | {"components": {"schemas": closed_schemas()}}, validate_formats=True
    )


@cache
def closed_schemas() -> dict[str, Any]:
    """Return the description's shapes; an answer may not hold a property its shape does not name."""
    schemas: dict[str, Any] = deepcopy(DESCRIPTION["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return schemas
