"""Previews (试算): what a draft would change, by large groups.

All previews together must not tell of anybody either: their numbers are rounded by who is counted.
"""
