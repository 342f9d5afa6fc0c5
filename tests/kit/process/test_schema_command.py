"""``huixin schema`` writes the schema from a database that is nobody's city, whatever city it is run beside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.kit.security.keys import make_keys, write_keys

ROOT = Path(__file__).parents[3]


def test_the_schema_is_written_without_a_look_at_the_city(tmp_path: Path) -> None:
    keys, written, var = tmp_path / "keys.json", tmp_path / "schema.sql", tmp_path / "var"
    city = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HUIXIN_VAR": str(var), "ENVIRONMENT": "production"}
    city |= {"KEY_FILE": str(keys), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "app.cli", "schema", str(written)]
    ring = make_keys("production")
    ring.export.clear()  # a city's own command would add one
    write_keys(keys, ring)
    before = keys.read_bytes(), keys.stat().st_mtime_ns
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **city}, check=True, capture_output=True)
    assert written.read_text(encoding="utf-8") == (ROOT / "migrations" / "schema.sql").read_text(encoding="utf-8")
    assert (keys.read_bytes(), keys.stat().st_mtime_ns) == before
    keys.unlink()
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **city}, check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["schema.sql"]
