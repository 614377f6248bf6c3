"""Responses to sanitize: what models write around a solution, and random text from the corners of Python's syntax."""

from __future__ import annotations

import random

FRAGMENTS = """
x = 1|y|if x:|elif y:|else:|try:|except:|except E as e:|except* E:|finally:|pass|def f():|class A:|@dec|@a.b(|@|
async def g():|async|async with a:|for i in x:|while 1:|with a as b:|with (a, b):|match x:|match (x):|match = 1|match|
case 1:|case _: pass|case {"a": b}:|case|return x|return|yield|raise|(|)|[|]|{|}|a = (|b = [|])|f(|))|\"""|'''|
x = \"""|\"""doc\"""|'''a'''|r'''|'|"|don't|\\| \\|x \\|x = 1 + \\|if x: \\|@x \\|# c|# c \\|pass # c (|pass # '''|
; x|x;|lambda: 0|lambda x:|if x: pass|else: pass|try: pass|finally: pass|except: pass|f'{x}'|f'{x'|f'{x:|f'''{|}'''|
f"{d['a']}"|f"{d["("]}"|f'{x!r:>{w}}'|f'{{'|f'{x:\\|rf'\\{x}'|f'\\N{DASH}'|f'{|}'|f'{(|f'{x:{|}}'|f'''{x:|x}'''|
f'{a["|f'{x:=5}'|f'{x=}'|f'{x # }'|'{'|f'{'a'}'|f'''{'''a'''}'''|F'{|Rf\"""{|fR'{\\|t'{x}'|print x|```python|```|$|?|
x = [1,|2,|]|def f(a,|b):|import os|from a import (|b)|not x|elsex = 1|else\xa0:|\xe9 = 1|else\xe9|await x|*a, b = c|
type X = int|def f[T](): pass|x: int|x: int =|x[1:|0x1f|1_0|1if x else 2|b'a'|u'x'|rb'\\'|'\\|x'|nonlocal x|global x|
if (x|and y):|elif (x|...|del x|assert x, (|x = 'a' 'b'|(yield)|class A(B,|C):|->|!=|<>|x := 1|(x := 1)|f(1)|f|
""".replace("\n", "").split("|")
FRAGMENTS += [
    "",
    " ",
    "\t",
    "\f",
    "\x0b",
    "\xa0",
    "\r",
    "x\ry",
    "a = (\rb",
    "\\\r",
    "\x00",
    "\ud800",
    "\ufeff",
    "\u2028",
]
INDENTS = ["", "", "", "", " ", "  ", "    ", "    ", "\t", "        ", "  \t", "\f", "    \f", "\f  "]
CHARACTERS = "()[]{}'\"\\\n\r\f\t :#f@,="


def random_answer(rng: random.Random) -> str:
    """One to nine lines of fragments, in a third of the cases indented as if they belonged together."""
    lines = []
    structured = rng.random() < 0.35
    indent = ""
    for _ in range(rng.randint(1, 9)):
        fragment = rng.choice(FRAGMENTS)
        if rng.random() < 0.15:
            fragment += " " + rng.choice(FRAGMENTS)
        lines.append((indent if structured else rng.choice(INDENTS)) + fragment)
        if structured and fragment.endswith(":"):
            indent += rng.choice(["  ", "    ", "\t"])
        elif rng.random() < 0.35:
            indent = "" if rng.random() < 0.5 else indent[: len(indent) // 2]
    text = "\n".join(lines)
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2, 3])):
        text = _other_character(rng, text)
    return text


def _other_character(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(["", rng.choice(CHARACTERS)]) + text[at + rng.randint(0, 1) :]


def mutated(rng: random.Random, text: str) -> str:
    """The text with one to three lines dropped, doubled, swapped, indented otherwise, broken or replaced."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        change = rng.randrange(8)
        if change == 0 and len(lines) > 1:
            del lines[at]
        elif change == 1:
            lines.insert(at, lines[at])
        elif change == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif change == 3:
            lines[at] = rng.choice(INDENTS) + lines[at].lstrip()
        elif change == 4:
            lines.insert(at, rng.choice(INDENTS) + rng.choice(FRAGMENTS))
        elif change == 5:
            lines[at] = lines[at][: rng.randint(0, len(lines[at]))]
        elif change == 6:
            lines[at] += rng.choice(FRAGMENTS)
        else:
            lines[at] = _other_character(rng, lines[at])
    return "\n".join(lines)


def wrapped(code: str, entry_point: str) -> dict[str, str]:
    """A solution in the ways in which models write it down."""
    code = code.strip("\n")
    fenced = f"```python\n{code}\n```"
    return {
        "bare": code,
        "fenced": fenced,
        "text around": f"Here's how I'd do it (see below):\n\n{fenced}\n\nIt works because:\n- it's simple\n- x = y",
        "two fences": f"First install it:\n```bash\npip install x\n```\nThen:\n{fenced}",
        "open fence": f"Sure!\n```python\n{code}",
        "tests appended": f"{fenced}\n\n```python\nassert {entry_point}(1) == 2\nprint({entry_point}(3))\n```",
        "main block": f"{code}\n\nif __name__ == '__main__':\n    print({entry_point}())\n",
        "class": f"class Helper:\n    def run(self):\n        return {entry_point}\n\n{code}\n\nhelper = Helper()\n",
        "decorators": "import functools\n\n"
        + code.replace(f"def {entry_point}", f"@functools.cache\ndef {entry_point}", 1),
        "tabs": code.replace("    ", "\t"),
        "CRLF": f"Sure:\n{fenced}\n".replace("\n", "\r\n"),
        "second function": f"{code}\n\ndef {entry_point}(*args):\n    return None\n",
    }
