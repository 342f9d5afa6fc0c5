"""A JSON document people take with them, signed so that anybody who is shown it can check that nothing was changed.

The signature is a detached JWS (RFC 7515 appendix F, RFC 7797) with Ed25519 over the canonical JSON of the content:
keys sorted, no spaces, UTF-8, nothing but objects, lists, texts, whole numbers, booleans and null (RFC 8785 says the
same of such content). Its ``typ`` says what kind of document it is; no token of ours has one of these, nor their keys.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.api_jws import PyJWS

if TYPE_CHECKING:
    from app.kit.security.keys import ExportKey  # a type only: who checks a file needs no city's settings

ALGORITHM = "EdDSA"
FILE_BYTES_MAX = 16 * 1024 * 1024
INTEGER_MAX = 2**53 - 1  # what every JSON reader holds exactly
_JWS = PyJWS(algorithms=[ALGORITHM])
# One spelling only: base64 decoders skip what they do not know and ignore the last four bits of 64 signed bytes.
_DETACHED = re.compile(r"[\w-]+\.\.[\w-]{85}[AQgw]", re.ASCII)


class SignatureWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """The document is not as it was signed, or not signed by these keys; or it is no such document at all."""


def encode_canonical(content: object) -> bytes:
    """Return the one spelling of a content that is signed."""
    _refuse_what_has_two_spellings(content)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sign_file(name: str, content: Mapping[str, object], key: ExportKey, typ: str) -> bytes:
    """Return the file ``{"<name>": content, "signature": …}``, itself canonical."""
    assert key.seed is not None, "the current key can sign"
    signature = _JWS.encode(
        encode_canonical(content),
        Ed25519PrivateKey.from_private_bytes(key.seed),
        algorithm=ALGORITHM,
        headers={"kid": key.kid, "typ": typ},
        is_payload_detached=True,
    )
    return encode_canonical({name: content, "signature": signature})


def read_file(name: str, file: bytes) -> tuple[dict[str, Any], str]:
    """Return content and signature of a file, not checked yet; refuses a name that comes twice, and anything more.

    So is any other spelling of the same content, a line feed at the end apart: no two readers may take it differently.
    """
    read = read_json(file)
    if not isinstance(read, dict) or read.keys() != {name, "signature"} or not isinstance(read[name], dict):
        raise SignatureWrong(f'it is not {{"{name}": …, "signature": …}}')
    try:
        is_as_signed = encode_canonical(read) == file.removesuffix(b"\n").removesuffix(b"\r")
    except (ValueError, RecursionError) as error:
        raise SignatureWrong(f"it cannot be read: {error}") from None
    if not is_as_signed:
        raise SignatureWrong("it is not spelled as it was signed: take the file as it came, not as a program saved it")
    return read[name], str(read["signature"])


def read_json(text: bytes) -> object:
    """Read JSON that was given to be checked; a name that comes twice in an object means two things and is refused."""
    try:
        read: object = json.loads(text.decode(), object_pairs_hook=_take_each_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SignatureWrong(f"it cannot be read: {error}") from None
    return read


def check_signature(content: Mapping[str, object], signature: str, keys: Mapping[str, bytes], typ: str) -> None:
    """Refuse a content that was not signed as it is, by one of these public keys, as a document of this kind."""
    try:
        if _DETACHED.fullmatch(signature) is None:
            raise SignatureWrong("the signature is not a detached one of ours")
        header = jwt.get_unverified_header(signature)
        public = keys.get(str(header.get("kid")))
        if public is None:
            raise SignatureWrong("it is signed by a key that is not among these")
        if header.get("typ") != typ:
            raise SignatureWrong("it is signed as something else")
        _JWS.decode(
            signature,
            Ed25519PublicKey.from_public_bytes(public),
            algorithms=[ALGORITHM],
            detached_payload=encode_canonical(content),
        )
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise SignatureWrong("it was changed after it was signed") from error


def show_keys(keys: Sequence[ExportKey]) -> list[dict[str, str]]:
    """Return the public halves as JSON Web Keys (RFC 8037), the current one last."""
    return [
        {"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig", "kid": key.kid, "x": _encode(key.public)}
        for key in keys
    ]


def read_keys(text: bytes) -> dict[str, bytes]:
    """Read public keys from a JSON Web Key Set, by key id; keys of other kinds are passed over.

    Two keys of one id are refused: which of them counts would depend on who reads.
    """
    keys: dict[str, bytes] = {}
    key_set: Any = read_json(text)
    try:
        for key in key_set["keys"]:
            if key.get("crv") != "Ed25519":
                continue
            if keys.setdefault(str(key["kid"]), _decode(key["x"])) != _decode(key["x"]):
                raise SignatureWrong("two of these keys have one name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignatureWrong("these are no public keys") from error
    return keys


def _refuse_what_has_two_spellings(content: object) -> None:
    match content:
        case bool() | None:
            return
        case str():
            content.encode()  # half a surrogate pair has no UTF-8
        case int() if abs(content) <= INTEGER_MAX:
            return
        case dict() if all(isinstance(name, str) and name.isascii() for name in content):
            for part in content.values():
                _refuse_what_has_two_spellings(part)
        case list() | tuple():
            for part in content:
                _refuse_what_has_two_spellings(part)
        case _:
            raise ValueError("a signed document holds texts, whole numbers, booleans and null")


def _take_each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
