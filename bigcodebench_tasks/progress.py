"""Progress bars: the one place that says when they are shown."""

from __future__ import annotations

import logging
import sys
from typing import Any

from tqdm import tqdm


def progress(total: int | None, description: str, unit: str, **settings: Any) -> tqdm[Any]:
    """A bar on stderr; silent where that is no terminal, or where the harness is told to be quiet.

    Args:
        total: units of work, None if unknown; a bar for none is silent too.
        description, unit: what is done, to what.
        settings: passed on to `tqdm`.
    """
    # Below INFO there is no level set at all (0) outside the harness, and above it the user wants warnings only.
    quiet = logging.getLogger("lm_eval").level > logging.INFO
    hidden = quiet or total == 0 or not sys.stderr.isatty()
    return tqdm(total=total, desc=description, unit=unit, disable=hidden, **settings)
