"""Levels of sandbox, and what they are made of."""
