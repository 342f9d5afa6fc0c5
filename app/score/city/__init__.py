"""A whole city's scores: prepared beside the current ones, switched to at one instant, then written as history."""
