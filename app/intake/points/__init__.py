"""App points (积分): a city app's signed events, counted once, exactly, for members only.

Events of members and strangers are taken in alike; the worker counts them, with remainders, up to a yearly cap.
"""
