"""The city's keys, personal fields encrypted and found, signed files, and the three typed callers."""
