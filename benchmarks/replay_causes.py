"""Why programs of some tasks have another status here than where they were judged: found by reading and running them.

docs/concepts/fidelity-causes.csv has the same as a table. A task that is not here was not examined.
"""

from __future__ import annotations

from collections.abc import Mapping

_SHOW = "plt.show() closes figures there, as in a notebook; what is returned afterwards is an empty one"
_ROOT = "run as root there, not as the ordinary user that the official image has too"
_CHANCE = "unseeded random numbers"
_ORDER = "the order in which the file system lists a folder"
_NETWORK = "calls a remote host"
_KILL = "the official interception of kill"
_MEMORY = "takes more than this machine's share of memory for a program"
_TIME = "needs more than the time limit here, in both evaluators"

CAUSES: Mapping[int, str] = {
    **dict.fromkeys((58, 106, 107, 133, 197, 213, 215, 238, 248, 251, 269, 319, 345, 369, 405, 429, 447), _SHOW),
    **dict.fromkeys((450, 451, 472, 476, 525, 572, 621, 968, 977, 982, 1037, 1052, 1064, 1065), _SHOW),
    **dict.fromkeys((67, 216), _ORDER),
    **dict.fromkeys((13, 176, 314, 421, 590, 1005), _NETWORK),
    **dict.fromkeys((205, 363), _KILL),
    **dict.fromkeys((286, 453, 539, 576, 580, 720, 859, 948), _CHANCE),
    **dict.fromkeys((759, 773, 832, 836), _ROOT),
    **dict.fromkeys((484, 489, 642, 791), _MEMORY),
    **dict.fromkeys((4, 1073), _TIME),
    288: "an earlier program has made the folder /non/existent/path there",
    289: "TensorFlow could not be loaded there",
    350: "reads the evaluator's standard input, which does not end there and is not there here",
    377: "the width of a table depends on how much of its cores, memory and disk the machine uses",
    404: "os.path.exists(123) asks for an open descriptor of that number, and there was one there",
    419: f"{_SHOW}; or TensorFlow could not be loaded there",
    457: "NumPy raises ValueError for a ragged list since 1.24, and the pinned 1.21.2 does not",
    819: "compares the times of sleeps to 0.01 s, and the machine was busy",
    1028: "`top` runs for ever where it finds a terminal",
    1040: "a race between threads of the task",
    1105: "the program Rscript is not installed here",
}
