"""Why programs of some tasks have another status here than where they were judged: found by reading and running them.

docs/fidelity.md has the same as a table. A task that is not here is one that nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

CAUSES: Mapping[int, str] = {}
