"""Finished evaluations, wherever they come from."""
