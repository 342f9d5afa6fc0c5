"""The directory over HTTP, for officials and for keys."""

from __future__ import annotations

from app.partner.routes import institutions, partner

ROUTERS = [institutions.router, partner.router]
