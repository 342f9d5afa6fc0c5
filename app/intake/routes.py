"""What intake answers over HTTP: the routers of its subjects."""

from __future__ import annotations

from app.intake.batch import routes as batch_routes
from app.intake.file.routes import files
from app.intake.points.routes import official, partner
from app.intake.proposal import routes as proposal_routes
from app.intake.quality import routes as quality_routes
from app.intake.source import routes as source_routes

ROUTERS = [
    batch_routes.router,
    files.router,
    official.router,
    partner.router,
    proposal_routes.router,
    quality_routes.router,
    source_routes.router,
]
