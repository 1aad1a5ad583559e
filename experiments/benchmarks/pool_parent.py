"""The parent's side of the hosts of pool_hosts.py, the same for all systems, and what /proc tells of their processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

from pool_hosts import WORKERS

WARM = -2  # in place of a task's number


class Executor:
    """The parent's side, the same for all systems."""

    def __init__(self, system: str, peers: Path, limit: float = 0.0, preload: bool = False) -> None:
        ours, theirs = Pipe()
        self.connection = ours
        self.dump = tempfile.NamedTemporaryFile(prefix="pools")  # noqa: SIM115
        code = "from pool_hosts import serve; serve()"
        words = [str(theirs.fileno()), system, str(limit), "yes" if preload else "no", self.dump.name]
        path = [str(Path(__file__).parent), str(peers), *(entry or os.getcwd() for entry in sys.path)]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self.host = subprocess.Popen(
            [sys.executable, "-P", "-c", code, *words],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.dump,
            start_new_session=True,
            env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(path)},
        )
        theirs.close()

    def submit(self, task: int, text: str) -> None:
        self.connection.send((task, text))

    def completed(self, timeout: float) -> list[tuple[int, Any]]:
        found = []
        while self.connection.poll(0 if found else max(timeout, 0)):
            found.append(self.connection.recv())
        return found

    def warm_up(self) -> None:
        for task in range(2 * WORKERS):
            self.submit(WARM, f"nap 0.05 {task}")
        found = 0
        while found < 2 * WORKERS:
            fresh = self.completed(30)
            assert fresh, f"no answer from the host: {self.said()}"
            found += len(fresh)

    def said(self) -> str:
        return Path(self.dump.name).read_text(errors="replace")

    def stacks(self) -> str:
        """Return where each thread of the host is."""
        with suppress(OSError):
            os.kill(self.host.pid, signal.SIGUSR1)
        time.sleep(0.3)
        return self.said()

    def end(self) -> None:
        self.connection.close()
        self.host.kill()
        self.host.wait()
        for pid in session(self.host.pid):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.dump.close()


# What runs on this machine


def state(pid: int) -> tuple[str, int, int]:
    """Return the state, parent and session of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[3])


def session(leader: int) -> dict[int, int]:
    """Return the living processes of a session, the leader too, each with its parent."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                now, parent, leads = state(int(entry))
                if leads == leader and now not in "ZX":
                    found[int(entry)] = parent
    return found


def workers(host: int) -> list[int]:
    return [pid for pid, parent in session(host).items() if parent == host and not _is_tracker(pid)]


def _is_tracker(pid: int) -> bool:
    with suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True


def strays(host: int) -> list[int]:
    """Return processes of the host's session that are neither the host nor its children: what tasks have forked."""
    return [pid for pid, parent in session(host).items() if pid != host and parent != host]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def proportional_bytes(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024
