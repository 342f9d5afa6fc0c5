"""The documentation pages: Swagger UI from an installed package, so that they work without internet."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from app.kit.errors import NotFound

PAGE = """<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>惠信 Huixin API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "/schema/openapi.json",
  deepLinking: true,
  docExpansion: "none",
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
"""
ASSET_TYPES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript"}
# The browser itself refuses whatever would reach out to another host.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get("/docs", operation_id="showDocs", include_in_schema=False, sync_to_thread=False)
def show_docs() -> Response[str]:
    """Show the API to people."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@get("/docs/{name:str}", operation_id="getDocsAsset", include_in_schema=False, sync_to_thread=True)
def get_docs_asset(name: FromPath[str]) -> Response[bytes]:
    """Return one of the page's own files."""
    if name not in ASSET_TYPES:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(read_asset(name), media_type=ASSET_TYPES[name], headers=headers)


@cache
def read_asset(name: str) -> bytes:
    """Return a file of the page; Swagger UI's own come from the package that ships them."""
    if name == "start.js":
        return START.encode()
    package = find_spec("swagger_ui")  # found, not imported: its Python half is for other frameworks
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / "static" / name).read_bytes()


DOCS_ROUTES = [show_docs, get_docs_asset]
