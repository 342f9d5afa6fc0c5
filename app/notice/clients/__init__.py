"""Outside services: one function, one HTTP call."""
