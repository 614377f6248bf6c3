"""The rank in every leaderboard of ours: of one's own runs (`leaderboard`) and of published models."""

from __future__ import annotations

from collections.abc import Mapping


def ranks(means: Mapping[str, float]) -> dict[str, int]:
    """Name to rank, from 1 on, by a mean, the highest first; those with the same mean share a rank."""
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}
