"""What the kinds of sandbox rest on: users, folders and processes, and what happens when one of them is killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bigcodebench_tasks.errors import SandboxUnavailable
from bigcodebench_tasks.execution import Engine, Environment, Verdict, server_process
from bigcodebench_tasks.execution.conditions import Conditions
from bigcodebench_tasks.execution.prepare import probe
from bigcodebench_tasks.execution.worker import processes
from bigcodebench_tasks.execution.worker.sandbox import users
from bigcodebench_tasks.execution.worker.sandbox.remove import remove
from tests.execution.attacks import right_if
from tests.helpers.programs import LIMITS, RIGHT, assert_gone, execute, processes_of, program
from tests.helpers.project import ROOT


def verdict_of(solution: str, environment: Environment, sandbox: str, **options: object) -> Verdict:
    (verdict,) = execute([program(solution)], environment, sandbox=sandbox, **{"limits": LIMITS, **options})  # type: ignore[arg-type]
    return verdict


@pytest.mark.parametrize("chain", ["bin/python", ".local/bin/python3"])
def test_a_link_to_the_interpreter_shows_nothing_of_the_home_it_lies_in(
    chain: str, scratch_parent: Path, tmp_path_factory: pytest.TempPathFactory, environment: Environment, sandbox: str
) -> None:
    home = scratch_parent.parent / f"home_{os.getpid()}"
    link = home / chain
    try:
        link.parent.mkdir(parents=True)
        link.symlink_to(environment.python)
        secret = home / chain.split("/")[0] / "secret"
        secret.write_text("secret")
        linked = Environment(link, "custom", "0" * 64, environment.folder)
        started = "subprocess.run([sys.executable, '-c', ''], check=True)"
        assert verdict_of(right_if(f"assert sys.executable == '{link}'\n{started}"), linked, sandbox).passed
        assert verdict_of(right_if(f"open('{secret}').read()"), linked, sandbox).reason == "assertion"
        assert (
            verdict_of(right_if(f"os.listdir('{home}/{chain.split('/')[0]}')[1]"), linked, sandbox).reason
            == "assertion"
        )
    finally:
        remove(str(home))


def test_an_environment_that_is_a_home_is_refused(environment: Environment, sandbox: str) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    with pytest.raises(SandboxUnavailable, match=f"programs would see {home}: keep it in a folder of its own"):
        probe(Environment(environment.python, "custom", "1" * 64, home), sandbox=sandbox)


def test_programs_may_have_few_open_files(environment: Environment, sandbox: str) -> None:
    limits = replace(LIMITS, open_files=64)
    assert verdict_of(RIGHT, environment, sandbox, limits=limits).passed


def test_the_hosts_network_is_there_when_it_is_asked_for(environment: Environment, sandbox: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        solution = right_if(f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 9).close()")
        assert verdict_of(solution, environment, sandbox, network="host").passed
        assert verdict_of(solution, environment, sandbox).reason == "assertion"


def test_what_a_control_group_allows_can_be_read_where_it_is_seen(environment: Environment, sandbox: str) -> None:
    attempt = right_if(
        "for path in glob.glob('/sys/fs/cgroup/cpu*') + glob.glob('/sys/fs/cgroup/cpu/cpu.cfs*'):\n"
        "    if os.path.isfile(path): open(path).read()"
    )
    assert verdict_of(attempt, environment, sandbox).passed


def test_a_folder_lists_its_files_in_the_same_order_at_each_level(
    environment: Environment, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no other folder is chosen, a scratch lies in memory everywhere: tmpfs lists by age."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    memory = Path("/dev/shm")
    if tempfile.gettempdir() != "/tmp" or not memory.is_dir() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        pytest.skip("no folder in memory where programs may be executed")
    if shutil.disk_usage(memory).free < 2 * (os.cpu_count() or 1) << 30:
        pytest.skip(f"{memory} is too small")
    names = [f"file{number}" for number in (7, 3, 9, 1, 8, 2, 6, 4, 5)]
    right = right_if(
        f"import tempfile\nnames = {names}\n"
        "for where in ('.', tempfile.mkdtemp()):\n"
        "    for name in names: open(os.path.join(where, name), 'w').close()\n"
        "    listed = [name for name in os.listdir(where) if name in names]\n"
        "    assert listed in (names, names[::-1]), listed"
    )
    with tempfile.TemporaryDirectory(dir=memory) as name:  # one of its own, to see that nothing is left there
        folder = Path(name)
        folder.chmod(0o711)
        monkeypatch.setattr(server_process, "_IN_MEMORY", name)
        assert verdict_of(right, environment, sandbox).passed
        assert_gone(folder)
        assert list(folder.iterdir()) == []


def test_the_home_is_none_that_a_task_names(environment: Environment) -> None:
    """Programs of task 12 write to /home/user, which is not there in the official image."""
    try:
        probe(environment, sandbox="namespaces")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    looks = "assert os.listdir('/home') == ['bigcodebenchuser'] == [os.path.basename(os.path.expanduser('~'))]"
    assert verdict_of(right_if(looks), environment, "namespaces").passed
    writes = "try: open('/home/user/log.json', 'w')\nexcept FileNotFoundError: pass\nelse: raise ValueError"
    assert verdict_of(right_if(writes), environment, "namespaces").passed


def test_two_servers_have_other_users() -> None:
    first = users.reserve()
    second = users.reserve()
    if first is None or second is None:
        pytest.skip("this machine's users are too few")
    try:
        assert second.first >= first.first + first.count or first.first >= second.first + second.count
    finally:
        os.close(first.lock)
        os.close(second.lock)
    again = users.reserve()
    assert again is not None
    os.close(again.lock)
    assert again.first <= first.first, "given back when its owner ends"


def test_each_sample_of_root_is_another_user(environment: Environment, sandbox: str) -> None:
    if os.getuid():
        pytest.skip("an ordinary user has no others to give")
    # In a user namespace the map's second number is the user outside of it.
    asks = "import os\nraise ValueError('I am', os.getuid(), open('/proc/self/uid_map').read().split())"
    verdicts = execute(
        [program(asks, task_id=f"test/{number}") for number in range(4)], environment, limits=LIMITS, sandbox=sandbox
    )
    said = {verdict.details["ALL"] for verdict in verdicts}
    assert all("I am" in text for text in said)
    assert len(said) == 4


def test_it_is_said_where_samples_share_what_the_kernel_counts_for_a_user(
    environment: Environment, sandbox: str
) -> None:
    found = probe(environment, sandbox=sandbox)
    assert (users.NO_COUNTS in (found.degraded or "")) == (os.getuid() != 0)
    assert (found.degraded or "") in found.description


def test_a_killed_spawner_costs_no_verdict(environment: Environment, scratch_parent: Path) -> None:
    try:
        sandbox = probe(environment, sandbox="namespaces")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with Engine(environment, Conditions.of(environment, sandbox, LIMITS), workers=1) as engine:
        assert engine.submit(program(RIGHT)).result().passed
        ours = set(processes_of(scratch_parent))
        table = processes.snapshot()
        # One process with a child that is no sample: watcher, watcher of process 1, server, spawner, first processes.
        below = [p for p in processes.descendants([os.getpid()], table) if p.pid in ours]
        depth = {p.pid: 0 for p in below if p.parent == os.getpid()}
        while len(depth) < len(below):
            depth.update({p.pid: depth[p.parent] + 1 for p in below if p.parent in depth})
        (spawner,) = [pid for pid, steps in depth.items() if steps == 3]
        os.kill(spawner, signal.SIGKILL)
        for number in range(3):
            assert engine.submit(program(RIGHT, task_id=f"test/{number}")).result().passed


def test_a_killed_parent_leaves_no_folder(environment: Environment, sandbox: str, scratch_parent: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from bigcodebench_tasks.execution import Environment, Program\nfrom tests.helpers.programs import execute\n"
        f"environment = Environment(Path({str(environment.python)!r}), 'custom', '0' * 64, "
        f"Path({str(environment.folder)!r}))\n"
        f"execute([Program('test/0', 'import time\\ntime.sleep(9999)', 'x')], environment, sandbox={sandbox!r})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "TMPDIR": str(scratch_parent)}
    ) as parent:
        while not list(scratch_parent.iterdir()) or len(processes_of(scratch_parent)) < 4:
            assert parent.poll() is None
            time.sleep(0.1)
        parent.kill()
    assert_gone(scratch_parent)
    assert list(scratch_parent.iterdir()) == []


def test_removing_never_follows_what_it_finds(tmp_path: Path) -> None:
    bait, folder = tmp_path / "bait", tmp_path / "folder"
    (bait / "inner").mkdir(parents=True)
    (bait / "file").write_text("kept")
    bait.chmod(0o755)
    folder.mkdir()
    (folder / "link").symlink_to(bait)
    deep = folder
    for _ in range(200):
        deep /= "d"
        deep.mkdir()
        (deep / "link").symlink_to(bait)
    while deep != folder:
        deep.chmod(0)
        deep = deep.parent
    remove(str(folder))
    assert not folder.exists()
    assert (bait.stat().st_mode & 0o777, sorted(path.name for path in bait.iterdir())) == (0o755, ["file", "inner"])
    remove(str(tmp_path / "nothing"))
    (tmp_path / "link").symlink_to(bait)
    remove(str(tmp_path / "link"))
    assert (bait / "file").read_text() == "kept"
