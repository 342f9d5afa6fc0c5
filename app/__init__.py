"""Huixin (惠信): what good credit earns its owner. Start reading at CONTRIBUTING.md, then any room's ``__init__``."""

import os

os.environ.setdefault("PICCOLO_CONF", "app.piccolo_conf")
