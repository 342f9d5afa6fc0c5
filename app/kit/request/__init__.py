"""What a request says, read once and in one place: headers, bodies, faults of fields, ETags."""
