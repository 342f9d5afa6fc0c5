"""The OpenAPI 3.1 description: who may call what, which refusals come back, which moves a state allows."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, OpenAPIType, Reference, Schema, SecurityScheme
from litestar.plugins import OpenAPISchemaPlugin
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from app.kit.db.cache import CatalogueStale
from app.kit.errors import (
    BodyTooLarge,
    BodyTooSlow,
    Forbidden,
    HeaderRepeated,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    Refusal,
    Unauthenticated,
    Unavailable,
    UnsupportedContentEncoding,
    UnsupportedMediaType,
)
from app.kit.request.idempotency import KEY_CHARACTERS_MAX, KEY_CHARACTERS_MIN
from app.kit.web.http import PROBLEM_MEDIA_TYPE

if TYPE_CHECKING:
    from litestar._openapi.schema_generation.schema import SchemaCreator

API_VERSION = "1.0.0"
DESCRIPTION = """\
What good credit earns: a city's credit score, credit code and incentive redemption.

Every refusal is `application/problem+json` with a stable `code`; all codes are listed in `openapi/refusals.md`.
Texts come in Chinese or, with `Accept-Language: en`, in English. Money is integer fen, times are RFC 3339.
"""
SECURITY_SCHEMES: dict[str, SecurityScheme | Reference] = {
    "citizen": SecurityScheme(
        type="http", scheme="bearer", bearer_format="JWT", description="The citizen's access token, ten minutes long."
    ),
    "partner": SecurityScheme(
        type="http", scheme="bearer", bearer_format="hxk_live_…", description="An institution's key, with its scopes."
    ),
    "official": SecurityScheme(
        type="http", scheme="bearer", bearer_format="JWT", description="An official's token, from password and TOTP."
    ),
}
REQUIRED_HEADERS = {
    "Idempotency-Key": {"type": "string", "minLength": KEY_CHARACTERS_MIN, "maxLength": KEY_CHARACTERS_MAX},
    "If-Match": {"type": "string"},
    "webhook-id": {"type": "string"},
    "webhook-timestamp": {"type": "string"},
    "webhook-signature": {"type": "string"},
}
CODE = re.compile(r"`([a-z0-9_]+)`: ")  # how the description of an answer names a refusal
PROBLEM_CONTENT = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class SchemaPlugin(JsonRenderPlugin):
    """Serves the finished description instead of the framework's raw one."""

    def __init__(self, lists: Mapping[str, object]) -> None:
        super().__init__(path=("/", "/openapi.json"))
        self.lists = lists
        self._rendered: bytes | None = None

    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        """Return the description as JSON, made once per process."""
        del openapi_schema  # made from the app, so that the committed file is made by the same hands
        if self._rendered is None:
            self._rendered = msgspec.json.encode(describe_api(request.app))
        return self._rendered


class RowsPlugin(OpenAPISchemaPlugin):
    """Describes ``tuple[X, ...]`` with a limit on its length as an array of X.

    Left alone the framework takes the three dots for a second type, about which it knows nothing: X, or anything.
    """

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether this is a tuple of any length."""
        return get_origin(value) is tuple and get_args(value)[1:] == (Ellipsis,)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Return an array of what the tuple holds; its limits are added where those of any field are."""
        (rows,) = field_definition.inner_types[:1]
        return Schema(type=OpenAPIType.ARRAY, items=schema_creator.for_field_definition(rows))


def make_openapi_config(lists: Mapping[str, object] | None = None) -> OpenAPIConfig:
    """Configure the description; ``lists`` are published by their names, like ``x-states``."""
    return OpenAPIConfig(
        title="惠信 Huixin",
        version=API_VERSION,
        description=DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        use_handler_docstrings=True,
        components=Components(security_schemes=SECURITY_SCHEMES),
        render_plugins=[SchemaPlugin(lists or {})],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_refuse_unknown),
    )


def describe_api(app: Litestar) -> dict[str, Any]:
    """Return the whole description, in a stable order."""
    schema = deepcopy(app.openapi_schema.to_schema())
    tags: dict[str, str] = {}
    for path, method, handler in iter_operations(app):
        operation = schema["paths"][path][method.lower()]
        _describe_caller(operation, handler)
        _describe_text(operation, handler)
        _describe_parameters(operation)
        _describe_body(operation, handler)
        _describe_answers(operation)
        _describe_refusals(operation, find_caller(handler))
        tags.update((tag, _describe_tag(tag, handler)) for tag in operation.get("tags", []))
    _name_components(schema)
    schema["paths"] = {_camel_case(path): item for path, item in schema["paths"].items()}
    schema["tags"] = [{"name": name, "description": tags[name]} for name in sorted(tags)]
    schema.update(_find_plugin(app).lists)
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema, order="deterministic"))
    _share_answers(plain)
    return plain


def _share_answers(schema: dict[str, Any]) -> None:
    """Put every answer that more than one operation gives among the components, and point to it there."""
    given = [
        (operation["responses"], status, answer, msgspec.json.encode(answer, order="deterministic"))
        for item in schema["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
    ]
    counts = Counter((status, written) for _, status, _, written in given)
    shared: dict[str, Any] = {}
    for responses, status, answer, written in given:
        if counts[status, written] > 1:
            name = _name_answer(status, answer)
            assert shared.setdefault(name, answer) == answer, f"two answers have one name: {name}"
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    schema["components"]["responses"] = dict(sorted(shared.items()))


def _name_answer(status: str, answer: Mapping[str, Any]) -> str:
    """Name an answer by its status, then the codes of its refusals or what it holds, then its headers."""
    if int(status) >= HTTPStatus.BAD_REQUEST:
        kind, parts = "Refusal", CODE.findall(answer["description"])
    else:
        kind, parts = "Answer", [_name_content(*content) for content in answer.get("content", {}).items()]
    return ".".join([f"{kind}{status}", *parts, *answer.get("headers", {})])


def _name_content(media_type: str, content: Mapping[str, Any]) -> str:
    """Name what an answer holds by its schema, or by its type where the schema has no name."""
    reference: str = content["schema"].get("$ref", media_type)
    return re.sub(r"\W+", "_", reference.rpartition("/")[2])


def _name_components(schema: dict[str, Any]) -> None:
    """Name schemas by what they are; the framework names some by the file they are written in.

    Two of one name get their room before it: the first part of what the framework calls them.
    """
    parts = schema["components"]["schemas"]
    titles = Counter(part.get("title", key) for key, part in parts.items())
    names = {}
    for key, part in parts.items():
        title = part.get("title", key)
        plain = re.sub(r"\W+", "_", title).strip("_")
        names[key] = plain if titles[title] == 1 else f"{key.partition('_')[0]}_{plain}"
    assert len(set(names.values())) == len(names), "two schemas of a room have one name"
    schema["components"]["schemas"] = {names[key]: part for key, part in parts.items()}
    _point_to(schema, {f"#/components/schemas/{key}": f"#/components/schemas/{name}" for key, name in names.items()})


def _point_to(node: Any, places: Mapping[str, str]) -> None:
    """Change every reference below a node."""
    if isinstance(node, dict):
        if node.get("$ref") in places:
            node["$ref"] = places[node["$ref"]]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            _point_to(one, places)


def iter_operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield path, method and handler of every documented operation."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS" and handler.resolve_include_in_schema():
                    yield route.path_format or "/", str(method), handler


def find_caller(handler: HTTPRouteHandler) -> str | None:
    """Return which of the three callers a handler asks for; None when it is public."""
    return next((name for name in SECURITY_SCHEMES if name in handler.parsed_fn_signature.parameters), None)


def _describe_caller(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    caller = find_caller(handler)
    operation["security"] = [{caller: []}] if caller else []
    if "roles" in handler.opt:
        operation["x-roles"] = sorted(handler.opt["roles"])
    if "scope" in handler.opt:
        operation["x-scope"] = handler.opt["scope"]


def _describe_text(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Take the docstring's first line as summary and what follows as description."""
    first, _, rest = (handler.fn.__doc__ or "").strip().partition("\n")
    operation["summary"] = first.rstrip(".")
    operation.pop("description", None)
    if rest.strip():
        operation["description"] = "\n".join(line.strip() for line in rest.strip().splitlines())


def _describe_parameters(operation: dict[str, Any]) -> None:
    """Say required where we refuse without; for the framework it is optional, so that the refusal is ours."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["name"] = _camel_case(parameter["name"])
        elif parameter["name"] in REQUIRED_HEADERS:
            parameter.update(required=True, schema=REQUIRED_HEADERS[parameter["name"]])


def _camel_case(text: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), text)


def _describe_body(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Say that a body may be left out where the handler has one of its own; the framework never does."""
    declared = handler.parsed_data_field
    if declared is not None and declared.has_default:
        operation["requestBody"]["required"] = False


def _describe_answers(operation: dict[str, Any]) -> None:
    """Say what a success is: in words, with no body where none is sent, and that a file or a picture is text."""
    for status, answer in operation["responses"].items():
        if int(status) < HTTPStatus.BAD_REQUEST:
            answer["description"] = HTTPStatus(int(status)).phrase
            if int(status) == HTTPStatus.NO_CONTENT:
                answer.pop("content", None)
            for content in answer.get("content", {}).values():
                content["schema"] = content["schema"] or {"type": "string"}


def _describe_refusals(operation: dict[str, Any], caller: str | None) -> None:
    """Add what every operation of this shape may answer to what the route declares."""
    responses = operation["responses"]
    if responses.get("400", {}).get("content", {}).keys() == {"application/json"}:
        del responses["400"]  # the framework's own shape, which we never send
    for kind in _iter_common_refusals(operation, caller):
        answer = responses.setdefault(str(kind.status_code), {"description": ""})
        answer["content"] = PROBLEM_CONTENT
        if f"`{kind.code}`" not in answer["description"]:
            line = f"`{kind.code}`: {kind.text('en')}"
            answer["description"] = "\n\n".join(filter(None, (answer["description"], line)))


def _iter_common_refusals(operation: dict[str, Any], caller: str | None) -> Iterator[type[Refusal]]:
    if operation.get("parameters") or "requestBody" in operation:
        yield InvalidRequest
    yield HeaderRepeated
    if "requestBody" in operation:
        yield from (MalformedRequest, BodyTooSlow, BodyTooLarge, UnsupportedMediaType, UnsupportedContentEncoding)
    if caller:
        yield Unauthenticated
    if caller in ("partner", "official"):
        yield Forbidden
    if caller == "partner":
        yield CatalogueStale
    yield from (InternalError, Unavailable)


def _describe_tag(tag: str, handler: HTTPRouteHandler) -> str:
    """Say what a room is in the first line of its docstring."""
    module = sys.modules.get(f"app.{tag}") or sys.modules[handler.fn.__module__]
    return (module.__doc__ or tag).strip().splitlines()[0]


def _find_plugin(app: Litestar) -> SchemaPlugin:
    assert app.openapi_config is not None
    return next(plugin for plugin in app.openapi_config.render_plugins if isinstance(plugin, SchemaPlugin))


def _refuse_unknown(response: Response[Any]) -> Response[Any]:
    """Answer an unknown page beside the schema like any other: the framework would send a page of its own."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
