"""What can be odd about any request, whichever operation it asks for: a table of changes to a right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from app.kit.request.bodies import DEPTH_MAX, INTEGER_MAX
from app.kit.request.headers import SINGLE
from app.main import BODY_BYTES_MAX
from tests.support.both_ways import Asked

Change: TypeAlias = Callable[[Asked], Asked]
Header: TypeAlias = tuple[str, str | bytes]


def same(asked: Asked) -> Asked:
    """Change nothing."""
    return asked


def header(*headers: Header) -> Change:
    """Put headers in the place of those of the same names."""
    return lambda asked: asked.lacking(*(name for name, _ in headers)).having(*headers)


def lacking(*names: str) -> Change:
    """Take headers away."""
    return lambda asked: asked.lacking(*names)


def more(*headers: Header) -> Change:
    """Add headers beside those that are there."""
    return lambda asked: asked.having(*headers)


def as_(method: str) -> Change:
    """Ask by another method."""
    return lambda asked: asked._replace(method=method)


def query(text: bytes) -> Change:
    """Add a query."""
    return lambda asked: asked._replace(query=text)


def body(*pieces: bytes) -> Change:
    """Send another body, of a length that is not told."""
    return lambda asked: asked.lacking("content-length").saying(*pieces)


def edited(change: Callable[[bytes], bytes]) -> Change:
    """Send the right body, written in another way."""
    return lambda asked: asked.lacking("content-length").saying(*map(change, asked.pieces))


def with_field(text: bytes) -> Change:
    """Send the right body with a field that is unknown."""
    return edited(lambda right: right[:-1] + b"," + text + b"}")


def padded(size: int) -> Change:
    """Send the right body with so many blanks behind it that it has a size."""
    return edited(lambda right: right + b" " * (size - len(right)))


def cut(size: int) -> Change:
    """Send the right body in pieces."""
    return lambda asked: asked.saying(*(one[at : at + size] for one in asked.pieces for at in range(0, len(one), size)))


def both(*changes: Change) -> Change:
    """Change a request in several ways."""

    def change(asked: Asked) -> Asked:
        for each in changes:
            asked = each(asked)
        return asked

    return change


def late(asked: Asked) -> Asked:
    """Send all of the body and never say that it ends."""
    return asked._replace(is_whole=False)


def gone(asked: Asked) -> Asked:
    """Go away before the body is sent."""
    return asked._replace(is_gone=True)


def tokens(*values: bytes) -> dict[str, Change]:
    """Name changes of who asks."""
    return {f"as {value[:24]!r}": header(("authorization", value)) for value in values}


NOBODY = lacking("authorization")
BROKEN = body(b'{"code":')
ZIPPED = more(("content-encoding", "gzip"))
TOO_LARGE = more(("content-length", str(BODY_BYTES_MAX + 1)))
TWICE = more(("traceparent", "x"), ("host", "other.test"))

# The framework is asked what it thinks of these.
ODD: dict[str, Change] = {
    **{f"query {text!r}": query(text) for text in (b"a=1", b"a", b"&", b"count=3", b"%zz=%ff", b"code=", b"a=1&a=2")},
    **{f"host {text!r}": header(("host", text)) for text in (b"a b", b"a/b", b"a\xff", b"a_b", b"a,b", b"{}", b"a\n")},
    **{f"method {name}": as_(name) for name in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "ODD", "get", "post")},
    "below a path": lambda asked: asked._replace(root_path="/api"),
    "ends in a slash": lambda asked: asked._replace(path=asked.path + "/"),
    "doubled slash": lambda asked: asked._replace(path="/" + asked.path),
    "encoded": lambda asked: asked._replace(raw_path=asked.path.replace("v", "%76").encode()),
    "in capitals": lambda asked: asked._replace(path=asked.path.upper()),
    "another path": lambda asked: asked._replace(path=asked.path + "s"),
    "query, nobody": both(query(b"a=1"), NOBODY),
    "query, broken": both(query(b"a=1"), BROKEN),
    "odd host, twice": both(header(("host", "a b")), TWICE),
}
# These are answered without it.
PLAIN: dict[str, Change] = {
    "as it is": same,
    "nobody": NOBODY,
    **tokens(
        b"", b"Bearer", b"Bearer ", b"Bearer  x", b"Basic eDp5", b"Bearer x y", b"Bearer \xe4\xbd\xa0", b"\xff",
        b"Bearer " + b"x" * 5000, b"Bearer hxk_live_x", b"Bearer a.b.c", b"Bearer eyJhbGciOiJub25lIn0.e30.",
    ),
    "no host": lacking("host"),
    **{f"host {text!r}": header(("host", text)) for text in (b"", b"huixin.test:8000", b"[::1]:80", b"203.0.113.7")},
    **{f"language {text!r}": header(("accept-language", text)) for text in (
        b"en", b" EN-gb", b"zh", b"fr, en", b"", b"english", b"\xff", b"*")},
    "two languages": more(("accept-language", "en"), ("accept-language", "zh")),
    "nobody, in English": both(NOBODY, more(("accept-language", "en"))),
    "traced": both(NOBODY, more(("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01"))),
    "badly traced": both(NOBODY, more(("traceparent", "00-x-y-01"), ("traceparent", "second"))),
    **{f"{name} twice, other": both(lacking(name), more((name, "one"), (name, "two")))
       for name in sorted(one.decode() for one in SINGLE)},
    **{f"{name} twice, same": both(lacking(name), more((name, "one"), (name, "one")))
       for name in ("if-match", "webhook-id")},
    "twice, nobody": both(TWICE, NOBODY),
    "twice, too large": both(TWICE, TOO_LARGE),
    "twice, in English": both(TWICE, more(("accept-language", "en"))),
    "unusual headers": more(
        ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "203.0.113.8"), ("cookie", "a=b"), ("te", "trailers"),
        ("if-match", '"1"'), ("if-none-match", "*"), ("range", "bytes=0-1"), ("expect", "100-continue"),
        ("connection", "close"), ("upgrade", "h2c"), ("origin", "http://elsewhere.test"), ("accept", "text/html"),
        ("transfer-encoding", "chunked"), ("x-http-method-override", "GET"), ("", "nameless"),
    ),
    **{f"type {text!r}": header(("content-type", text)) for text in (
        b"", b"application/json; charset=utf-8", b"APPLICATION/JSON", b" application/vnd.x+json ", b"application/json;",
    )},
    **{f"coded {text!r}": more(("content-encoding", text)) for text in (b"", b"identity", b" Identity ")},
    "packed": ZIPPED,
    "packed, nobody": both(ZIPPED, NOBODY),
    "packed, in English": both(ZIPPED, more(("accept-language", "en"))),
    "packed and too large": both(ZIPPED, lacking("content-length"), TOO_LARGE),
    "too large": both(lacking("content-length"), TOO_LARGE),
    "too large, nobody": both(lacking("content-length"), TOO_LARGE, NOBODY),
    "too large, broken": both(BROKEN, TOO_LARGE),
    **{f"length {text!r}": header(("content-length", text)) for text in (b"x", b"-1", b"", b"0", b"1 0", b"\xb2")},
    "too much": padded(BODY_BYTES_MAX + 1),
    "too much, in pieces": both(padded(BODY_BYTES_MAX + 1), cut(5000)),
    "as much as may be": padded(BODY_BYTES_MAX),
    "as much as may be, in pieces": both(padded(BODY_BYTES_MAX), cut(4096)),
    "byte by byte": cut(1),
    "late": late,
    "late, nobody": both(late, NOBODY),
    "gone": gone,
    "gone, in pieces": both(cut(7), gone),
    "in lines": edited(lambda right: b" \r\n\t" + right.replace(b",", b"\n,\n") + b"\n"),
    "with a mark": edited(lambda right: b"\xef\xbb\xbf" + right),
}  # fmt: skip
# So are these where no body is taken; where one is, the framework says what is wrong with it, once the caller is known.
UNFIT: dict[str, Change] = {
    **{f"body {text[:24]!r}": body(text) for text in (
        b" ", b"null", b"[]", b'""', b"1", b"true", b"{", b"}", b"{}{}", b"\x00", b"\xff", b"NaN", b"<a/>", b"a=1",
        b'{"code":1}', b'{"code":"\xff"}', b'{"code":"\\ud800"}', b'{"code":"a\\u0000b"}', b'{"a\\u0000":1}',
        b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, b"[" * 3000, b'{"a":' * (DEPTH_MAX + 1), b"\xef\xbb\xbf" * 2 + b"{}")},
    **{f"in {name}": edited(lambda right, name=name: right.decode().encode(name))  # type: ignore[misc]
       for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")},
    **{f"type {text!r}": header(("content-type", text)) for text in (
        b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"application/msgpack",
        b"json", b"\xff", b"application/jsonx", b"application/json, text/plain")},
    **{f"number {number}": with_field(b'"odd":%d' % number) for number in (
        INTEGER_MAX, -INTEGER_MAX, INTEGER_MAX + 1, -INTEGER_MAX - 1, 10**18, 10**19, 10**40, 0)},
    **{f"number {text!r}": with_field(b'"odd":' + text) for text in (b"01", b"1e400", b"-", b"1.", b"+1", b"0x1")},
    **{f"text {text!r}": with_field(b'"odd":"%b"' % text) for text in (
        b"9" * 19, b"9" * 40, b"a" + b"9" * 20, b'\\"' + b"9" * 20, b"\\u0000", b"\\\\u0000", b"\\u0001", b"\x00")},
    "a field more": with_field(b'"odd":1'),
    "a field more, nobody": both(with_field(b'"odd":1'), NOBODY),
    "broken": BROKEN,
    "broken, nobody": both(BROKEN, NOBODY),
    "broken, in English": both(BROKEN, more(("accept-language", "en"))),
    "broken, a bad key": both(BROKEN, header(("idempotency-key", "short"))),
    "of a strange type, nobody": both(header(("content-type", "text/plain")), NOBODY),
    "cut off": edited(lambda right: right[:-1]),
    "something behind": edited(lambda right: right + b"x"),
}  # fmt: skip
