"""What a thorough check of an execution environment looks at, beyond what every run verifies."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from bigcodebench_tasks.execution.environment import Environment
from bigcodebench_tasks.execution.process import variables

# Everything that the tasks of BigCodeBench v0.1.4 import, but for those modules of the standard library that
# no Python lacks. sqlite3 and turtle need libraries of the system when Python is compiled.
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

_IMPORT_EACH = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print("\\n" + json.dumps(failed))
"""


@dataclass(frozen=True)
class SystemProgram:
    """A program of the system that tasks call.

    Attributes:
        name: as it is called.
        package: Debian's package that holds it.
        tasks: numbers of the BigCodeBench tasks whose ground truth fails without it; other samples may call
            it all the same.
    """

    name: str
    package: str
    tasks: tuple[int, ...] = ()


PROGRAMS = (
    SystemProgram("bash", "bash", (461,)),
    SystemProgram("tar", "tar", (16, 785)),
    SystemProgram("gzip", "gzip", (350,)),
    SystemProgram("split", "coreutils", (18,)),
    SystemProgram("ps", "procps"),
    SystemProgram("top", "procps", (1028,)),
    SystemProgram("zip", "zip"),
    SystemProgram("unzip", "unzip", (14,)),
    SystemProgram("ping", "iputils-ping"),
    SystemProgram("wget", "wget"),
    SystemProgram("git", "git"),
    SystemProgram("g++", "g++"),
    SystemProgram("tesseract", "tesseract-ocr"),
    SystemProgram("Rscript", "r-base-core"),
)


def failed_imports(environment: Environment) -> dict[str, str]:
    """The modules of `MODULES` that cannot be imported, each with its error. Takes some ten seconds."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [environment.python, "-I", "-c", _IMPORT_EACH, json.dumps(MODULES)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=variables(environment, home),
        )
    try:
        found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last_line = (done.stderr.strip().splitlines() or [""])[-1]
        return {"the interpreter": f"died with status {done.returncode} while importing them {last_line}"}
    return found


def missing_programs(environment: Environment) -> list[SystemProgram]:
    """The programs of `PROGRAMS` that are not where tasks would look for them."""
    path = variables(environment, "/")["PATH"]
    return [program for program in PROGRAMS if not shutil.which(program.name, path=path)]


def install_command(programs: list[SystemProgram]) -> str:
    """The command that installs programs on Debian and its like."""
    return "apt-get install " + " ".join(dict.fromkeys(program.package for program in programs))
