"""Facts about the tasks of BigCodeBench v0.1.4: what they call, import and depend on, and how long they take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


def task_ids(*numbers: int) -> tuple[str, ...]:
    """The task_ids of tasks by their numbers."""
    return tuple(f"BigCodeBench/{number}" for number in numbers)


REMOTE_HOSTS = frozenset(task_ids(101, 176, 314, 590, 1005, 1012))
"""Tasks whose ground truth calls hosts on the internet."""

FLIPPING = frozenset(task_ids(10, 288, 453, 720, 759, 1005))
"""Tasks of which a program passed in one run of the official evaluator and failed in another. Source: public result
files, executed again (9 of 3,745 programs that were judged more than once)."""

UNSTABLE = FLIPPING | REMOTE_HOSTS
"""Tasks whose verdicts depend on chance or on the internet: scores are reported with and without them."""

_MODE = "scipy.stats.mode returns numbers, not arrays, and takes no text, since SciPy 1.11"
_SKEW = "scipy.stats.skew of equal values is NaN since SciPy 1.9"
_MASKED = "a masked value stays masked when it is assigned, since NumPy 1.23 or before"
_SINCE_311 = {**dict.fromkeys(task_ids(111), _MASKED), **dict.fromkeys(task_ids(276), _SKEW)}
OTHER_VERSIONS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("current", "3.11"): _SINCE_311,
    ("current", "3.12"): {**_SINCE_311, **dict.fromkeys(task_ids(115, 221, 245, 634, 736), _MODE)},
}
"""By name and Python of a lock: the tasks whose ground truth fails with its versions of libraries, and why."""

REFERENCE_TIMES = {
    "BigCodeBench/461": 155.0,
    "BigCodeBench/1104": 73.0,
    "BigCodeBench/1040": 60.0,
    "BigCodeBench/195": 45.0,
    "BigCodeBench/417": 40.0,
    "BigCodeBench/102": 30.0,
    "BigCodeBench/821": 23.0,
    "BigCodeBench/289": 20.0,
    "BigCodeBench/220": 20.0,
    "BigCodeBench/99": 20.0,
    "BigCodeBench/1103": 20.0,
    "BigCodeBench/17": 15.0,
    "BigCodeBench/418": 15.0,
    "BigCodeBench/419": 15.0,
    "BigCodeBench/428": 15.0,
    "BigCodeBench/0": 13.0,
    "BigCodeBench/1105": 12.0,
    "BigCodeBench/421": 10.0,
    "BigCodeBench/819": 10.0,
    "BigCodeBench/227": 10.0,
    "BigCodeBench/181": 9.0,
    "BigCodeBench/823": 7.0,
}
"""Reference times, seconds: what the ground truth takes, by task_id, where that is 7 s or more. Most of them sleep.
Long programs start first, and the speed "fast" derives time limits from these times."""

MEASURE_TIME = frozenset(task_ids(819, 821, 823))
"""Tasks whose verdicts can depend on how soon a sleeping program gets a core (see docs/concepts/execution.md)."""

RACE = frozenset(task_ids(1040))
"""Tasks whose verdicts can depend on which thread of the program is faster (see docs/concepts/execution.md)."""

RANDOM_TIME = frozenset(task_ids(583, 584, 585, 586, 587))
"""Tasks that search for large primes in Python, for RSA keys: a correct one takes a second or a minute, by chance."""


@dataclass(frozen=True)
class Schedule:
    """How programs of tasks are scheduled, by task_id. It affects the verdicts of tasks that depend on timing only.

    Attributes:
        seconds: reference times; programs of long tasks start first.
        measure_time: tasks whose tests measure time. A core stays free for such a program while it sleeps.
        race: tasks whose threads race with each other. All threads of such a program share one core, and none is
            interrupted because another one wakes.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    measure_time: Collection[str] = frozenset()
    race: Collection[str] = frozenset()


SCHEDULE = Schedule(REFERENCE_TIMES, MEASURE_TIME, RACE)
"""The schedule of BigCodeBench's tasks."""


_MODULES = (
    "sqlite3 ssl ctypes turtle zlib "
    "blake3 bs4 chardet Crypto cryptography cv2 dateutil django docx faker flask flask_login flask_mail flask_restful "
    "flask_wtf folium gensim.models geopandas geopy holidays keras Levenshtein librosa lxml.etree matplotlib.pyplot "
    "mechanize mpl_toolkits.mplot3d natsort nltk numpy openpyxl pandas PIL.Image prettytable psutil pyfakefs pyquery "
    "pytesseract python_http_client pytz regex requests requests_mock rsa scipy.stats seaborn sendgrid shapely "
    "skimage.io sklearn.ensemble soundfile statsmodels.api sympy tensorflow textblob texttable werkzeug wikipedia "
    "wordcloud wordninja wtforms xlwt xmltodict yaml"
)
MODULES = tuple(_MODULES.split())
"""Modules that tasks import, without those of the standard library that every Python has. A Python that was compiled
without the system's libraries may lack sqlite3, ssl or turtle."""


@dataclass(frozen=True)
class SystemProgram:
    """A program of the system that tasks call.

    Attributes:
        name: the command.
        package: the Debian package that contains it.
        tasks: tasks whose ground truth fails without it. Samples of other tasks may call it as well.
    """

    name: str
    package: str
    tasks: tuple[str, ...] = ()


PROGRAMS = (
    SystemProgram("bash", "bash", task_ids(461)),
    SystemProgram("tar", "tar", task_ids(16, 785)),
    SystemProgram("gzip", "gzip", task_ids(350)),
    SystemProgram("split", "coreutils", task_ids(18)),
    SystemProgram("ps", "procps"),
    SystemProgram("top", "procps", task_ids(1028)),
    SystemProgram("zip", "zip"),
    SystemProgram("unzip", "unzip", task_ids(14)),
    SystemProgram("ping", "iputils-ping"),
    SystemProgram("wget", "wget"),
    SystemProgram("git", "git"),
    SystemProgram("g++", "g++"),
    SystemProgram("tesseract", "tesseract-ocr"),
    SystemProgram("Rscript", "r-base-core"),
)
