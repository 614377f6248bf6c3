"""The levels by name. A name that is not in the table is refused: no typing error may end in no isolation."""

from __future__ import annotations

from collections.abc import Callable

from ..protocol import Settings
from .keeper import Keeper
from .landlock import Landlock
from .level import Isolation, Unavailable
from .namespaces import Namespaces

LEVELS: dict[str, Callable[[Settings], Isolation]] = {
    "namespaces": Namespaces,
    "landlock": Landlock,
    "none": Keeper,
}
"""Level to what makes it out of the parent's settings, the strongest first."""


def create(settings: Settings) -> Isolation:
    """The isolation that the parent chose. Raises Unavailable: there is no such level."""
    level = settings.level
    if level not in LEVELS:
        raise Unavailable(f"there is no level {level!r}, only {', '.join(LEVELS)}")
    return LEVELS[level](settings)
