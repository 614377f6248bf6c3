"""Which libraries the fork server imports before it forks."""

from __future__ import annotations

PRELOADED: list[str] = []
