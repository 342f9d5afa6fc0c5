"""Calls to outside services, Valkey with its breaker, and the limits that rest on it: bounded, silent in the log."""
