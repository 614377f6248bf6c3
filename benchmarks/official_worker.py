"""Runs in the execution environment: judges programs with the official evaluator's own function.

Standard input: one JSON list of [solution, test]. Standard output: a JSON line {"index", "status", "details", "cpu_s",
"after_s"} for each verdict, then one {"wall_s", "cpu_s"}. The pool is the official one: processes that call
`untrusted_check`.
"""

import fcntl
import json
import os
import resource
import socket
import struct
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from bigcodebench.eval import untrusted_check

# Defaults of `bigcodebench.evaluate`: MiB of address space, data and stack; seconds at least, and for a task whose
# ground truth failed.
LIMITS = (30 * 1024, 30 * 1024, 10, 1, 20)


def check(index, solution, test):
    before = cpu_s()
    status, details = untrusted_check(solution, test, "task_func", *LIMITS)
    return {"index": index, "status": status, "details": details, "cpu_s": cpu_s() - before}


def cpu_s():
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def loopback_up():
    """A new network namespace has its loopback down (SIOCGIFFLAGS, SIOCSIFFLAGS; IFF_UP is 1)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = struct.unpack("16sH", fcntl.ioctl(sock, 0x8913, struct.pack("16sH", b"lo", 0) + bytes(14))[:18])[1]
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH", b"lo", flags | 1) + bytes(14))


def main():
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the evaluator and the programs print is no answer

    def answer(message):
        os.write(answers, json.dumps(message).encode() + b"\n")

    loopback_up()
    programs = json.load(sys.stdin)
    began = time.monotonic()
    with ProcessPoolExecutor(max_workers=int(sys.argv[1])) as pool:
        waiting = [pool.submit(check, index, *program) for index, program in enumerate(programs)]
        for done in as_completed(waiting):
            answer({**done.result(), "after_s": time.monotonic() - began})
    answer({"wall_s": time.monotonic() - began, "cpu_s": cpu_s()})


if __name__ == "__main__":
    main()
