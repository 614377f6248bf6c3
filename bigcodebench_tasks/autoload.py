"""Makes our tasks and model known to lm-eval without a flag.

A released lm-eval has no task plugins: it looks below its own folder and in ``--include_path``. So the
line in ``bigcodebench_tasks.pth`` runs `install` when Python starts. That puts one finder on
``sys.meta_path``, which waits for three modules of lm-eval and, once Python has executed one of them,
applies the matching change below. Nothing of lm-eval is imported here, and no other module is touched.
``BIGCODEBENCH_TASKS_AUTOLOAD=0`` turns it off.

This module runs at the start of every Python process: it may import nothing but ``os`` and ``sys``,
which are loaded by then.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost more than all of this module
    from collections.abc import Callable
    from typing import Any

VARIABLE = "BIGCODEBENCH_TASKS_AUTOLOAD"  # as in `options.VARIABLES`, which would cost an import
MODEL_NAME = "bigcodebench-ground-truth"
MODEL_TARGET = "bigcodebench_tasks.harness.ground_truth_model:GroundTruthLM"


def install() -> None:
    """Put the finder in place, once per process, unless the user turned it off."""
    if os.environ.get(VARIABLE) != "0" and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def tasks_folder() -> str:
    """Folder of our task YAMLs, as text: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "yaml")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "yaml")


def _task_names() -> "set[str]":
    """Names of our tasks and groups: every YAML that is not a base is named after what it defines."""
    return {
        name.removesuffix(".yaml")
        for name in os.listdir(tasks_folder())
        if name.endswith(".yaml") and not name.startswith("_")
    }


def _add_tasks(module: "Any") -> None:
    """``lm_eval.tasks._index``: put our YAMLs into every index that does not hold our tasks already.

    What is there stays: a task of the user's own ``--include_path``, or ours when an lm-eval with task
    plugins of its own, or the user, has found the folder.
    """
    build = module.TaskIndex.build

    def build_with_ours(paths: "Any", **kwargs: "Any") -> "Any":
        index = build(paths, **kwargs)
        if _task_names() <= index.keys():
            return index
        from pathlib import Path

        return {**build([Path(tasks_folder())], **kwargs), **index}

    module.TaskIndex.build = staticmethod(build_with_ours)


def _add_model(module: "Any") -> None:
    """``lm_eval.models``: register the ground-truth model by name; its module is imported when it is used."""
    from lm_eval.api.registry import model_registry

    if MODEL_NAME not in model_registry:
        model_registry.register(MODEL_NAME, target=MODEL_TARGET)


def _refuse_early(module: "Any") -> None:
    """``lm_eval.evaluator``: say that ``--confirm_run_unsafe_code`` is missing before the model is loaded.

    The harness says so too, but only once it has loaded the model, which can take many minutes.
    """
    import functools
    import inspect

    evaluate = module.simple_evaluate
    signature = inspect.signature(evaluate)

    @functools.wraps(evaluate)
    def simple_evaluate(*args: "Any", **kwargs: "Any") -> "Any":
        given = signature.bind_partial(*args, **kwargs).arguments
        if not given.get("confirm_run_unsafe_code"):
            tasks = given.get("tasks") or []
            wanted = [task for task in ([tasks] if isinstance(tasks, str) else tasks) if isinstance(task, str)]
            for task in sorted(_task_names().intersection(wanted)):
                raise ValueError(
                    f"{task} executes code that the model wrote. Add --confirm_run_unsafe_code "
                    "(confirm_run_unsafe_code=True in Python) to run it. Nothing was loaded or generated."
                )
        return evaluate(*args, **kwargs)

    module.simple_evaluate = simple_evaluate


_CHANGES = {
    "lm_eval.tasks._index": _add_tasks,
    "lm_eval.models": _add_model,
    "lm_eval.evaluator": _refuse_early,
}


class _Finder:
    """Lets the other finders find a module and, for lm-eval's three, applies a change after its execution."""

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
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
        try:
            change(module)
        except Exception as error:  # an lm-eval that we do not know must still import
            import logging

            logging.getLogger(__name__).warning(
                "bigcodebench-tasks could not hook into %s (%s: %s); its tasks may need --include_path %s",
                module.__name__,
                type(error).__name__,
                error,
                tasks_folder(),
            )

    loader.exec_module = exec_module
