"""Levels of isolation, and what they are made of."""
