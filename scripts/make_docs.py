"""Writes the blocks of docs/ that come from the code.

    python scripts/make_docs.py            write them
    python scripts/make_docs.py --check    write nothing; exit 1 and name the pages that are out of date

A block lies between ``<!-- generated: NAME -->`` and ``<!-- end -->``; `BLOCKS` has the functions that fill them, from
`options.py`, the parsers of `cli/`, docstrings, pyproject.toml and docs/concepts/fidelity-causes.csv. Standard library
and the package only.
"""

from __future__ import annotations

import argparse
import ast
import csv
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path

import bigcodebench_tasks
from bigcodebench_tasks import options
from bigcodebench_tasks.benchmark.diagnosis import DIAGNOSES
from bigcodebench_tasks.cli.main import build_parser
from bigcodebench_tasks.execution.conditions import Conditions, Limits
from bigcodebench_tasks.execution.verdict import Reason
from bigcodebench_tasks.scoring.records import GroundTruthRate, LoggedSample, ResponseStats, RunRecord

ROOT = Path(__file__).resolve().parents[1]
DOCS, PACKAGE = ROOT / "docs", ROOT / "bigcodebench_tasks"
HIDDEN = {"BigCodeBenchTask", "set_background"}  # for YAML files (and slow to import); for harness/
TYPES = {int: "number", bool: "`true`, `false`", str: "text"}
SECTIONS = "Args|Attributes|Returns|Raises"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(names: str) -> str:
    """``a, b`` as `a`, `b`."""
    return ", ".join(f"`{name}`" for name in names.split(", "))


def one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


# -- docstrings ------------------------------------------------------------------------------------------


def entries(section: str) -> Iterator[tuple[str, str]]:
    """``name: text`` entries of a docstring's section, whose continuation lines are indented further."""
    for entry in re.split(r"\n(?! )", textwrap.dedent(section).strip()):
        name, _, text = entry.partition(":")
        yield name.strip(), one_line(text)


def sections(doc: str) -> dict[str, str]:
    """A docstring's text (under ""), and its sections by name."""
    parts = re.split(rf"^({SECTIONS}):\n", inspect.cleandoc(doc), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def attributes(kind: type) -> dict[str, str]:
    """Name to meaning of what a class's docstring lists under ``Attributes:``, for readers of JSON."""
    return dict(entries(sections((kind.__doc__ or "").replace("None", "null")).get("Attributes", "")))


def fenced(literal: re.Match[str]) -> str:
    return f":\n\n```python\n{textwrap.dedent(literal[1]).strip()}\n```\n\n"


def markdown(doc: str) -> str:
    """A docstring as Markdown, with its literal blocks as code."""
    parts = []
    for name, text in sections(doc).items():
        if name == "Returns":
            parts.append(f"Returns: {one_line(text)}")
        elif name:
            parts.append("\n".join([f"{name}:\n", *(f"- `{each}`: {meaning}" for each, meaning in entries(text))]))
        else:
            parts.append(re.sub(r"::\n\n((?: {4}.*\n|\n)+)", fenced, text.replace("``", "`") + "\n").strip())
    return "\n\n".join(filter(None, parts))


# -- blocks ----------------------------------------------------------------------------------------------


def options_block() -> str:
    rows = []
    for name, default in options.Options().to_dict().items():
        words = options.CHOICES.get(name)
        values = code(", ".join(words)) if words else TYPES[options._TYPES[name]]
        rows.append([f"`{name}`", values, f"`{json.dumps(default)}`", attributes(options.Options)[name]])
    return table(["option", "values", "default", "meaning"], rows)


def variables_block() -> str:
    rows = ([f"`{each.name}`", each.default, each.meaning] for each in options.VARIABLES)
    return table(["variable", "without it", "meaning"], rows)


def commands_block() -> str:
    return "\n\n".join(command(name, parser) for name, parser in parsers(build_parser(), "bigcodebench-tasks"))


def parsers(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command below a parser, by its full name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, child in action.choices.items():
                yield f"{name} {word}", child
                yield from parsers(child, f"{name} {word}")


def command(name: str, parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in parser._actions:
        if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            value = str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())
            words = [", ".join(action.option_strings), value if action.nargs != 0 else ""]
            rows.append([f"`{' '.join(filter(None, words))}`", one_line((action.help or "") % vars(action))])
    examples = one_line(parser.epilog or "").partition(": ")[2].replace("; ", "\n")
    parts = [f"## {name}", one_line(parser.description or "")]
    parts += [table(["argument", "meaning"], rows)] if rows else []
    parts += [f"```\n{examples}\n```"] if examples else []
    return "\n\n".join(filter(None, parts))


def meanings(name: str, listed: Mapping[str, str]) -> str:
    return table([name, "meaning"], ([code(names), text] for names, text in listed.items()))


def python_block() -> str:
    names = sorted(set(bigcodebench_tasks.__all__) - HIDDEN)
    things = {name: getattr(bigcodebench_tasks, name) for name in names}
    is_error = {name: inspect.isclass(each) and issubclass(each, BaseException) for name, each in things.items()}
    parts = []
    for name in (name for name, thing in things.items() if callable(thing) and not is_error[name]):
        parts += [f"## {name}", signature(name, things[name]), markdown(inspect.getdoc(things[name]) or "")]
        for method, function in public_methods(things[name]):
            parts += [f"### {name}.{method}", signature(method, function), markdown(inspect.getdoc(function) or "")]
    errors = {name: one_line(inspect.getdoc(things[name]) or "") for name in names if is_error[name]}
    return "\n\n".join([*filter(None, parts), "## Errors", meanings("error", errors)])


def signature(name: str, thing: Callable[..., object]) -> str:
    if inspect.isclass(thing) and not is_dataclass(thing):
        return ""  # it has another constructor
    plain = inspect.signature(thing)
    shown = [
        each if isinstance(each.default, (str, int, float, type(None), type)) else each.replace(default=...)
        for each in plain.parameters.values()
    ]
    text = str(plain.replace(parameters=shown)).replace("Ellipsis", "...")
    return "```python\n" + name + re.sub(r"(: |-> )'([^']*)'", r"\1\2", text) + "\n```"


def public_methods(thing: object) -> list[tuple[str, Callable[..., object]]]:
    if not inspect.isclass(thing) or issubclass(thing, Enum):
        return []
    members = inspect.getmembers(thing, lambda each: inspect.isfunction(each) or inspect.ismethod(each))
    return [(name, each) for name, each in members if name[0] != "_" and name not in HIDDEN and inspect.getdoc(each)]


def layers_block() -> str:
    """The layers that import-linter holds (pyproject.toml), with the first sentence of each part's docstring."""
    contract = re.search(r"^layers = (\[.*?^\])", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert contract is not None
    layers = []
    for layer in ast.literal_eval(contract[1]):
        files = {part: PACKAGE / part / "__init__.py" for part in layer.split(" | ")}
        paths = ((part, path if path.exists() else PACKAGE / f"{part}.py") for part, path in files.items())
        layers.append("\n".join(f"{part:<12} {sentence(path)}" for part, path in paths))
    return "```\n" + "\n     ↓\n".join(layers) + "\n```"


def modules_block() -> str:
    paths = sorted(PACKAGE.rglob("*.py"), key=lambda path: (path.parent, path.name))
    return meanings("module", {path.relative_to(PACKAGE).as_posix(): sentence(path) for path in paths})


def sentence(module: Path) -> str:
    """The first sentence of a module's docstring."""
    doc = ast.get_docstring(ast.parse(module.read_text())) or ""
    return one_line(re.split(r"\.\s|\n\n|::", doc)[0]).rstrip(".")


def causes_block(kind: str) -> str:
    rows = []
    for row in csv.DictReader((DOCS / "concepts" / "fidelity-causes.csv").read_text().splitlines()):
        if row["differs"] == kind:
            tasks = row["tasks"].split()
            shown = ", ".join(tasks) if len(tasks) <= 8 else f"{len(tasks)} tasks"
            rows.append([row["cause"], row["programs"], shown, row["evidence"]])
    return table(["cause", "programs", "tasks", "evidence"], rows)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "options": options_block,
    "variables": variables_block,
    "commands": commands_block,
    "sample": lambda: meanings("field", attributes(LoggedSample)),
    "run": lambda: meanings("field", attributes(RunRecord)),
    "ground truth": lambda: meanings("field", attributes(GroundTruthRate)),
    "responses": lambda: meanings("field", attributes(ResponseStats)),
    "conditions": lambda: meanings("field", attributes(Conditions)),
    "limits": lambda: meanings("field", attributes(Limits)),
    "reasons": lambda: meanings("reason", {each.value: each.sentence for each in Reason}),
    "diagnoses": lambda: meanings("diagnosis", DIAGNOSES),
    "python": python_block,
    "layers": layers_block,
    "modules": modules_block,
    "causes: another status": lambda: causes_block("status"),
    "causes: other failing tests": lambda: causes_block("failing tests"),
}
"""Name of a block to the function that writes it."""


def filled(page: str) -> str:
    """A page with its blocks as they should be."""
    pattern = re.compile(r"(<!-- generated: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda match: f"{match[1]}\n{BLOCKS[match[2]]()}\n\n{match[3]}", page)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    check = parser.parse_args().check
    pages = {path: path.read_text() for path in sorted(DOCS.rglob("*.md"))}
    stale = {path: text for path, page in pages.items() if (text := filled(page)) != page}
    for path, text in stale.items():
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run python scripts/make_docs.py")
        else:
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
