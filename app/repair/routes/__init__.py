"""Objections over HTTP, for citizens and for officials."""

from __future__ import annotations

from app.repair.routes import citizen, official

ROUTERS = [citizen.router, official.router]
