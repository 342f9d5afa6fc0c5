"""Every setting of the service, read from the environment once: when the first is asked for, never by an import."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a city sets; the names in the environment are the upper-case field names."""

    environment: Literal["development", "production"] = "development"
    database_url: str = ""
    database_pool_size: int = 10
    valkey_url: str = ""
    workers: int = 1
    key_file: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    proxies_trusted: int = 0
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    wechat_app_id: str = ""
    wechat_app_secret: str = ""
    wechat_base_url: str = ""
    identity_base_url: str = ""
    identity_secret_id: str = ""
    identity_secret_key: str = ""
    wechat_template_record: str = ""
    sms_base_url: str = ""
    sms_secret_id: str = ""
    sms_secret_key: str = ""
    sms_region: str = "ap-guangzhou"
    sms_app_id: str = ""
    sms_sign_name: str = ""
    sms_template_record: str = ""
    working_days_file: str = ""

    @property
    def keys_path(self) -> Path:
        """Where the keys lie; embedded cities keep them beside their data."""
        return Path(self.key_file) if self.key_file else var_folder() / "keys.json"


def load_settings(environment: dict[str, str]) -> Settings:
    """Read settings; an unknown value of a known name is an error that names it."""
    values = {name: environment[name.upper()] for name in Settings.__struct_fields__ if environment.get(name.upper())}
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SystemExit(f"a setting is wrong: {error}") from None


@cache
def read_settings() -> Settings:
    """Return the settings as they stood in the environment when they were first asked for."""
    return load_settings(dict(os.environ))


def var_folder() -> Path:
    """Return where an embedded city lives."""
    return Path(os.environ.get("HUIXIN_VAR", "var"))
