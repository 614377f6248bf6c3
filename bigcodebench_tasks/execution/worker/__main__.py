"""Entry of the fork server: ``python -s -B <this folder>/__main__.py <socket descriptor>``."""

import importlib.util
import os
import sys

# The folder's modules get a package name and leave the search path, so that a program cannot import them by accident
# and they hide no module of the program's.
_folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _folder]
_spec = importlib.util.spec_from_file_location(
    "_bigcodebench_worker", os.path.join(_folder, "__init__.py"), submodule_search_locations=[_folder]
)
assert _spec is not None
assert _spec.loader is not None
_package = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _package
_spec.loader.exec_module(_package)

from _bigcodebench_worker import addresses  # type: ignore[import-not-found]  # noqa: E402

addresses.fix()  # before anything that takes time to import, which may be done twice

from _bigcodebench_worker import server  # noqa: E402

server.main(int(sys.argv[1]))
