"""Which modules the fork server imports before it forks: those that the programs import often."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable

# A module is preloaded if at least this many programs import it.
MIN_PROGRAMS = 3

# Packages that start no thread and hold no lock or connection when imported: a fork of a process that has them equals a
# process that imports them. Not here: TensorFlow, keras, numba and its users (threads), django (global settings),
# tkinter and turtle (displays), readline.
_SAFE = (
    "numpy pandas matplotlib scipy seaborn sklearn statsmodels nltk requests bs4 cv2 PIL flask psutil sympy "
    "cryptography openpyxl docx faker textblob wordcloud lxml regex pytz dateutil xlwt xlrd rsa folium geopy "
    "mpl_toolkits flask_mail mechanize xmltodict texttable Crypto skimage shapely geopandas prettytable "
    "unittest json csv sqlite3 email http urllib ssl socket zipfile tarfile shutil subprocess multiprocessing "
    "concurrent asyncio logging decimal statistics configparser xml html smtplib ftplib difflib pickle "
    "hashlib hmac secrets uuid glob pathlib tempfile inspect typing ctypes textwrap string collections "
    "itertools random datetime calendar base64 binascii struct gzip bz2 lzma zlib codecs cgi getpass platform "
    "ipaddress heapq bisect queue threading select selectors ast types math cmath io os re sys time"
)
SAFE = frozenset(_SAFE.split())

_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w.]+)", re.MULTILINE)
_FROM = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?[ \t]*([\w, \t]*)", re.MULTILINE)


class ImportCounter:
    """Counts the programs that import each module."""

    def __init__(self) -> None:
        self._programs: Counter[str] = Counter()

    def add(self, source: str) -> None:
        """Count a program, or Python source whose imports a program will probably share."""
        self._programs.update(_imports(source))

    def names(self) -> list[str]:
        """Names of modules to import, the most frequent first. A name may turn out to be no module."""
        return [name for name, programs in self._programs.most_common() if programs >= MIN_PROGRAMS]


def shared_imports(sources: Iterable[str]) -> list[str]:
    """Short sources for which the same modules are preloaded as for these, to send to other machines in their place."""
    imports = ImportCounter()
    for source in sources:
        imports.add(source)
    names = imports.names()
    return ["".join(f"import {name}\n" for name in names)] * MIN_PROGRAMS if names else []


def _imports(source: str) -> set[str]:
    names = set(_IMPORT.findall(source))
    for module, imported in _FROM.findall(source):
        names.add(module)
        # Only a lower-case name can be a submodule in these packages: "from scipy import stats".
        if module.partition(".")[0] not in sys.stdlib_module_names:
            names.update(f"{module}.{name}" for name in re.findall(r"\w+", imported) if name.islower())
    return {name for name in names if name.partition(".")[0] in SAFE}
