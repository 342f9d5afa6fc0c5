"""The whole town: made at once, shown on a terminal, and the command line of both."""
