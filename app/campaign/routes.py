"""What campaigns answer over HTTP: the routers of their subjects."""

from __future__ import annotations

from app.campaign.hints import routes as hints_routes
from app.campaign.publishing.routes import public, write
from app.campaign.scenario import routes as scenario_routes

ROUTERS = [hints_routes.router, public.router, write.router, scenario_routes.router]
