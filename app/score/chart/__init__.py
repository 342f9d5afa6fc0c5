"""The picture of a score's history (走势图): a step line over the level bands of the rules of the time."""
