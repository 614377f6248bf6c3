"""The levels by name. A name that is not in the table is refused: no typing error may end in no sandbox."""

from __future__ import annotations

from collections.abc import Callable

from ..protocol import ServerSettings
from .backend import Sandbox, SandboxSetupError
from .keeper import Keeper
from .landlock import Landlock
from .namespaces import Namespaces

BACKENDS: dict[str, Callable[[ServerSettings], Sandbox]] = {
    "namespaces": Namespaces,
    "landlock": Landlock,
    "none": Keeper,
}
"""Kind of sandbox to what makes it out of the parent's settings, the strongest first."""


def create(settings: ServerSettings) -> Sandbox:
    """The sandbox that the parent chose. Raises SandboxSetupError: there is no such level."""
    level = settings.level
    if level not in BACKENDS:
        raise SandboxSetupError(f"there is no level {level!r}, only {', '.join(BACKENDS)}")
    return BACKENDS[level](settings)
