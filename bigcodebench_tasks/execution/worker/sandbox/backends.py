"""The kinds of sandbox by name. An unknown name is refused, so that a typing error never means no sandbox."""

from __future__ import annotations

from collections.abc import Callable

from ..protocol import ServerSettings
from .backend import Sandbox, SandboxSetupError
from .landlock import Landlock
from .namespaces import Namespaces
from .supervisor import Supervisor

BACKENDS: dict[str, Callable[[ServerSettings], Sandbox]] = {
    "namespaces": Namespaces,
    "landlock": Landlock,
    "none": Supervisor,
}
"""Kind of sandbox to its class, the strongest first."""


def create(settings: ServerSettings) -> Sandbox:
    """The sandbox that the parent chose. Raises SandboxSetupError: there is no such kind."""
    if settings.sandbox not in BACKENDS:
        raise SandboxSetupError(f"there is no sandbox {settings.sandbox!r}, only {', '.join(BACKENDS)}")
    return BACKENDS[settings.sandbox](settings)
