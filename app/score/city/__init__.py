"""A whole city's scores: prepared beside the current ones, switched to at one instant, then told as history."""
