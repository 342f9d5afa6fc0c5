"""How we answer over HTTP: wire shapes, problems, pages, what every route shares, and the OpenAPI description."""
