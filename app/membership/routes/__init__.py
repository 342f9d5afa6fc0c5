"""Joining, moving, leaving and taking one's data along, over HTTP."""

from __future__ import annotations

from app.membership.routes import export, joining

ROUTERS = [export.router, joining.router]
