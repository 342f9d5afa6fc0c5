"""HTTP only: path, status, one call, one answer."""
