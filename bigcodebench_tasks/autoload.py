"""lm-eval's discovery hook: it finds the tasks and the ground-truth model without a flag.

lm-eval up to 0.5.0.dev1 has no plugins: it finds tasks below its own folder and in ``--include_path``, and models in
a table of its own. So `install` puts a finder on ``sys.meta_path``, which waits for two modules of lm-eval and applies
a change to each (`_CHANGES`) once Python has executed it. Two places call `install`: the line in
``bigcodebench_tasks.pth`` when Python starts, and the import of this package, for installations whose ``.pth`` file
Python has not read (PYTHONPATH, ``pip install`` in a running notebook).
``BIGCODEBENCH_TASKS_AUTOLOAD=0`` turns it off.

Later releases read entry points, which ``setup.cfg`` declares: ``lm_eval.models`` (merged, pull request 4013) and
``lm_eval.tasks`` (proposed, pull request 4015). For an lm-eval with them nothing is changed here.

This module runs at the start of every Python process, so it imports only ``os`` and ``sys``, which are loaded by then.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost more than all of this module
    from collections.abc import Callable
    from typing import Any

VARIABLE = "BIGCODEBENCH_TASKS_AUTOLOAD"  # as in `options.VARIABLES`, which would cost an import
MODEL_NAME = "bigcodebench-ground-truth"
TASKS_PACKAGE = "bigcodebench_tasks.yaml"
MODEL_TARGET = "bigcodebench_tasks.harness.ground_truth_model:GroundTruthLM"


def install() -> None:
    """Put the finder in place, once per process, unless the user turned it off; change what is imported already."""
    if os.environ.get(VARIABLE) == "0" or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    for name, change in _CHANGES.items():
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            _apply(change, module)


def tasks_folder() -> str:
    """Folder of the task YAMLs: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "yaml")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "yaml")


def _add_tasks(module: "Any") -> None:
    """``lm_eval.tasks``: put the package's folder before the ``include_path`` of every ``TaskManager``.

    The user's folders come later, so their tasks win over the package's of the same name.
    """
    import functools
    import inspect

    manager = module.TaskManager
    if hasattr(sys.modules[manager.__module__], "discover_plugin_task_paths"):
        return
    build = manager.__init__
    signature = inspect.signature(build)
    signature.parameters["include_path"]  # an lm-eval without it is unknown
    folder = tasks_folder()

    @functools.wraps(build)
    def build_with_folder(*args: "Any", **kwargs: "Any") -> None:
        call = signature.bind(*args, **kwargs)
        paths = call.arguments.get("include_path") or []
        given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if os.path.realpath(folder) not in map(os.path.realpath, given):
            call.arguments["include_path"] = [folder, *given]
        build(*call.args, **call.kwargs)

    manager.__init__ = build_with_folder


def _add_model(module: "Any") -> None:
    """``lm_eval.models``: register the ground-truth model by name; its module is imported when it is used."""
    from lm_eval.api import registry

    if not hasattr(registry, "load_plugins") and MODEL_NAME not in registry.model_registry:
        registry.model_registry.register(MODEL_NAME, target=MODEL_TARGET)


_CHANGES = {
    "lm_eval.tasks": _add_tasks,
    "lm_eval.models": _add_model,
}


class _Finder:
    """Lets the other finders find a module and, for lm-eval's two, applies a change after its execution.

    It also finds the folder of task YAMLs as the package that the entry point names. An editable install cannot: there
    the folder is beside the package, and with an ``__init__.py`` in it ``import yaml`` would find it in a checkout.
    """

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        if name == TASKS_PACKAGE:
            package: Any = type(__spec__)(name, None, is_package=True)
            package.submodule_search_locations.append(tasks_folder())
            return package
        change = _CHANGES.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    _run_after(spec.loader, change)
                return spec
        return None


def _run_after(loader: "Any", change: "Callable[[Any], None]") -> None:
    execute = loader.exec_module

    def exec_module(module: "Any") -> None:
        execute(module)
        _apply(change, module)

    loader.exec_module = exec_module


def _apply(change: "Callable[[Any], None]", module: "Any") -> None:
    try:
        change(module)
    except Exception as error:  # an unknown version of lm-eval must still import
        import logging

        logging.getLogger("bigcodebench_tasks").warning(
            "bigcodebench-tasks could not hook into %s (%s: %s); its tasks may need --include_path %s",
            module.__name__,
            type(error).__name__,
            error,
            tasks_folder(),
        )
