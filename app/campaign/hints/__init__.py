"""Hints (提升建议): which benefits a higher score would open, and what one could do, tried on the engine."""
