"""Runs in the official package's environment: a JSON line [text, entry point] in, its sanitized text out."""

import functools
import json
import sys
import types
import warnings

# `bigcodebench.data` imports it to load the dataset, which sanitizing does not need.
datasets = types.ModuleType("datasets")
vars(datasets)["load_dataset"] = None
sys.modules["datasets"] = datasets

import bigcodebench.sanitize as official  # noqa: E402

# One answer's slices recur in its other wrappings. The check is a function of the text; crashes are not kept.
official.syntax_check = functools.lru_cache(maxsize=20_000)(official.syntax_check)
warnings.simplefilter("ignore")

for line in sys.stdin:
    text, entry_point = json.loads(line)
    try:
        output = official.sanitize(text, entry_point)
    except Exception as error:
        output = f"<{type(error).__name__}>"
    print(json.dumps(output), flush=True)
