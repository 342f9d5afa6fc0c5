"""Staff over HTTP: enrolling, signing in, and accounts managed."""

from __future__ import annotations

from app.official.routes import session

ROUTERS = [session.router]
