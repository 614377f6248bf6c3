"""Adds one file to what setup.cfg describes: the .pth line that makes lm-eval find our tasks.

Python reads .pth files only at the top of site-packages, and setuptools has no option to put a file
there, neither in a wheel nor in an editable install; hence the two commands below.
"""

import base64
import hashlib
import zipfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

NAME = "bigcodebench_tasks.pth"
# One line, or Python does not execute it. Where the package is gone (a broken uninstall) it stays silent.
LINE = (
    b"import sys; exec('try:\\n from bigcodebench_tasks.autoload import install\\n"
    b"except ImportError:\\n pass\\nelse:\\n install()')\n"
)


class BuildPy(build_py):
    """For wheels: the file goes beside the package, to the wheel's root."""

    def run(self):
        super().run()
        if not self.editable_mode:
            Path(self.build_lib, NAME).write_bytes(LINE)

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib, NAME))]


class EditableWheel(editable_wheel):
    """For ``pip install -e``: the file is added to the finished wheel and to its list of files."""

    def run(self):
        super().run()
        for path in Path(self.dist_dir).glob("bigcodebench_tasks-*editable*.whl"):
            _add_to_wheel(path)


def _add_to_wheel(path):
    with zipfile.ZipFile(path) as wheel:
        entries = {name: wheel.read(name) for name in wheel.namelist()}
    if NAME in entries:
        return
    digest = base64.urlsafe_b64encode(hashlib.sha256(LINE).digest()).rstrip(b"=")
    record = next(name for name in entries if name.endswith(".dist-info/RECORD"))
    entries[record] += b"%s,sha256=%s,%d\n" % (NAME.encode(), digest, len(LINE))
    entries[NAME] = LINE
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in entries.items():
            wheel.writestr(name, content)


setup(cmdclass={"build_py": BuildPy, "editable_wheel": EditableWheel})
