"""Previews (试算): what a draft would change, by large groups.

All previews together must not give anybody away either: their numbers are rounded by who is counted.
"""
