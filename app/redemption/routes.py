"""What redeeming answers over HTTP: the routers of its subjects."""

from __future__ import annotations

from app.redemption.books.routes import official, partner
from app.redemption.phone import routes as phone_routes
from app.redemption.till import routes as till_routes

ROUTERS = [official.router, partner.router, phone_routes.router, till_routes.router]
