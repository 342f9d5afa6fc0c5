"""What a citizen takes with them, and what it is checked by, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from app.kit.web.http import Wire
from app.membership.export import Export


class ExportFile(Wire):
    """The citizen's own data and a signature over exactly that."""

    export: Export
    signature: Annotated[
        str,
        msgspec.Meta(
            description="Detached JWS (RFC 7797, EdDSA) over the canonical JSON (RFC 8785) of `export`; its header "
            "names the key (`kid`) of `/v1/export-keys` and has the `typ` `huixin-export+jws`."
        ),
    ]


class ExportKeyView(Wire):
    """A public key as a JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str
    x: str


class ExportKeySet(Wire):
    """A JSON Web Key Set, the current key last; none is ever taken away."""

    keys: list[ExportKeyView]
