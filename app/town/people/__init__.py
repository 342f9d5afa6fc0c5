"""Who lives in the town: of a seed always the same people; they move in by COPY."""
