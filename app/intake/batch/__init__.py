"""One batch of records in a body: each item is judged alone, so that a poisoned one fails alone."""
