"""Why programs of some tasks have another status here than where they were judged: found by reading and running them.

docs/fidelity.md has the same as a table. A task that is not here is one that nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

_SHOW = "plt.show() closes figures there, as in a notebook; what is returned afterwards is an empty one"
_ROOT = "run as root there, not as the ordinary user that the official image has too"
_CHANCE = "unseeded random numbers"
_ORDER = "the order in which the file system lists a folder"
_NETWORK = "calls a remote host"
_KILL = "the official interception of kill"

CAUSES: Mapping[int, str] = {
    4: "needs more than the time limit here, in both evaluators",
    **dict.fromkeys((58, 106, 107, 197, 213, 269, 319, 345, 369, 450, 451, 472, 621, 977, 1052, 1064, 1065), _SHOW),
    **dict.fromkeys((67, 216), _ORDER),
    **dict.fromkeys((176, 314, 1005), _NETWORK),
    **dict.fromkeys((205, 363), _KILL),
    **dict.fromkeys((286, 453, 539, 576, 720, 859, 948), _CHANCE),
    288: "an earlier program has made the folder /non/existent/path there",
    377: "the width of a table depends on how much memory and disk the machine uses",
    **dict.fromkeys((759, 773, 832, 836), _ROOT),
    404: "os.path.exists(123) asks for an open descriptor of that number, and there was one there",
    791: "takes more than this machine's share of memory for a program",
    1028: "`top` runs for ever where it finds a terminal",
    1040: "a race between threads of the task",
    1105: "the program Rscript is not installed here",
}
