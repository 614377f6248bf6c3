"""The seven domains of BigCodeBench and their libraries (paper, arXiv 2406.15877; official ``lib2domain.json``)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

LIBRARIES: dict[str, str] = {
    "Computation": "cmath cv2 gensim geopandas IPython keras Levenshtein librosa math nltk numpy obspy pandas "
    "pytesseract scipy shapely skimage sklearn soundfile statistics statsmodels sympy tensorflow textblob torch "
    "wordninja",
    "General": "argparse array ast bisect builtins collections copy decimal difflib enum faker fnmatch functools heapq "
    "importlib inspect itertools multidict natsort operator pkgutil pprint prettytable queue random re regex string "
    "texttable textwrap types typing unicodedata uuid warnings",
    "Visualization": "folium matplotlib mpl_toolkits PIL seaborn turtle wordcloud",
    "System": "aspose configparser csv ctypes docx docxtpl errno filecmp getpass glob gzip imp io json locale logging "
    "multiprocessing openpyxl os pathlib pickle platform psutil select shlex shutil signal sqlalchemy sqlite3 struct "
    "subprocess sys tarfile threading xlrd xlwt yaml zipfile zlib",
    "Time": "calendar datetime dateutil holidays pytz time",
    "Network": "bs4 cgi chardet django email flask flask_login flask_mail flask_restful flask_wtf ftplib geopy html "
    "http ipaddress lxml mechanize mimetypes pyquery python_http_client requests selenium sendgrid smtplib socket ssl "
    "urllib werkzeug wikipedia wtforms xml xmltodict",
    "Cryptography": "base64 binascii blake3 codecs Crypto cryptography hashlib hmac rsa secrets",
}
"""Domain to the names of its libraries, as programs import them."""

DOMAINS = tuple(LIBRARIES)

_DOMAIN_OF = {library: domain for domain, libraries in LIBRARIES.items() for library in libraries.split()}


def libraries_of(task: Mapping[str, Any]) -> list[str]:
    """The libraries that a task's canonical solution uses: its column ``libs``, a list as Python source."""
    try:
        named = ast.literal_eval(task.get("libs") or "[]")
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return []
    return [str(library) for library in named] if isinstance(named, list) else []


def domains_of(task: Mapping[str, Any]) -> list[str]:
    """The domains of a task's libraries, each once, in the order of `DOMAINS`. A task can be in several."""
    domains = {_DOMAIN_OF.get(library) for library in libraries_of(task)}
    return [domain for domain in DOMAINS if domain in domains]
