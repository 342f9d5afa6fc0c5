"""One side of a comparison: servers and a city of the checkout whose Python runs this file, until stdin is closed.

It is the one file that runs inside another checkout, perhaps an old one, so it leans on as little as it can: that a
checkout starts servers of its own, and makes its own city in them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import msgspec

from app.kit.process.embedded import embedded_servers

NOWHERE = "http://127.0.0.1:9"  # nothing measured here speaks to an outside service


def main(folder: Path) -> None:
    """Start, make the city, say on one line of JSON where everything is, and wait."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "HUIXIN_VAR": str(folder), "KEY_FILE": str(folder / "keys.json"), "WECHAT_BASE_URL": NOWHERE,
        "IDENTITY_BASE_URL": NOWHERE,
    }  # fmt: skip
    os.environ.update(settings)
    with embedded_servers(folder) as servers:
        settings |= {"DATABASE_URL": servers.database_url, "VALKEY_URL": servers.valkey_url}
        os.environ.update(settings)
        from app.kit.security.keys import KEYS  # noqa: PLC0415
        from load_tests.figures import prepare  # noqa: PLC0415 - an old checkout reads its settings when this is imported

        city = asyncio.run(prepare(servers.database_url))
        made = {"settings": settings, "city": msgspec.to_builtins(city), "code_key": KEYS.code_keys()[0].key.hex()}
        print(json.dumps(made), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
