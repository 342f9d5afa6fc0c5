"""One function, one SQL statement."""
