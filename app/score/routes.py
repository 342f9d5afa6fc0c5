"""What the score answers over HTTP: the routers of its subjects."""

from __future__ import annotations

from app.score.book import routes as book_routes
from app.score.chart import routes as chart_routes
from app.score.current import routes as current_routes
from app.score.draft.routes import write
from app.score.preview import routes as preview_routes

ROUTERS = [book_routes.router, chart_routes.router, current_routes.router, write.router, preview_routes.router]
