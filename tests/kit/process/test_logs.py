"""A log line holds what is on the list, and never the values an error carries."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import Iterator

import pytest

from app.kit.process.logs import FIELDS_ALLOWED, JsonFormatter, logging_config

SECRETS = ("张三丰", "350203199001011234", "hxk_live_secret", "/v1/me/codes/123")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def line_of(**fields: object) -> dict[str, object]:
    """Return what the formatter makes of a record."""
    record = logging.LogRecord("huixin.test", logging.WARNING, __file__, 1, "slow", None, None)
    record.__dict__.update(fields)
    line: dict[str, object] = json.loads(JsonFormatter().format(record))
    return line


def test_a_line_holds_the_listed_fields_only() -> None:
    line = line_of(
        method="POST", route="/v1/me", status=500, milliseconds=3, trace="t", body=SECRETS[0], headers=SECRETS[2],
        path=SECRETS[3], citizen=SECRETS[1],
    )  # fmt: skip
    assert set(line) == {"at", "level", "logger", "message", *FIELDS_ALLOWED}
    assert not any(secret in json.dumps(line, ensure_ascii=False) for secret in SECRETS)


def fail_with(secret: str) -> None:
    """Raise an error that carries ``secret`` in itself and in what caused it."""
    try:
        dict[str, str]()[secret]
    except KeyError as error:
        raise ValueError(f"no such person: {secret}") from error


@pytest.mark.parametrize("secret", SECRETS)
def test_an_error_says_where_and_not_with_what_values(secret: str) -> None:
    try:
        fail_with(secret)
    except ValueError:
        line = line_of(exc_info=sys.exc_info())
    assert line["error"] == "ValueError"
    assert "fail_with" in str(line["at_code"])
    assert secret not in json.dumps(line, ensure_ascii=False)


def test_everything_goes_to_standard_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logging_config("INFO"))
    logging.getLogger("huixin.any").info("hello %s", "world")
    logging.getLogger("huixin.any").debug("not now")
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = map(json.loads, captured.err.splitlines())
    assert (line["message"], line["level"]) == ("hello world", "INFO")


@pytest.mark.parametrize("library", ["httpx2", "httpx"])
def test_clients_do_not_log_the_urls_they_call(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logging_config("DEBUG"))
    logging.getLogger(library).info("HTTP Request: GET http://wechat.test/?secret=abc")
    assert capsys.readouterr().err == ""
