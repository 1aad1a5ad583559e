"""What becomes of worker processes that are killed, hang or go wild: our own executor beside pebble and loky.

    python experiments/benchmarks/pools.py [--measure kills faults rate orphans memory] [--kills 1000] [--systems ours]

Each system runs in a host of its own, as ours does: an interpreter that reads tasks from its parent's pipe, hands them to two
workers and sends the answers back. pebble forks its workers in that host with an initializer that gives it what our workers
have (a process group of their own, death with the host, the host's descriptors closed): all in one pool or, as "pebble
each", in one pool for each worker. loky starts its own interpreters. A pool that says it is broken is replaced by the host;
a host that says nothing for five seconds is replaced by the parent.
The peers are installed into a folder of their own the first time (``--peers PATH``, default ~/.cache/evoml-peers/pools).
Linux only: it looks at /proc. Counts and ratios are worth more than seconds where other work runs meanwhile.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import ctypes
import faulthandler
import importlib.metadata
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PEERS = Path.home() / ".cache" / "evoml-peers" / "pools"
SYSTEMS = ["ours", "pebble", "pebble each", "loky"]
WORKERS, SILENCE = 2, 5.0
NEWS, WARM = -1, -2  # in place of a task's number
TURN = threading.RLock()  # of threads of a host that send to its parent


# What tasks do, as their text says


def nap(seconds: str, n_bytes: str = "0") -> bytes:
    time.sleep(float(seconds))
    return bytes(int(n_bytes))


def empty() -> None:
    pass


def fit_a_model() -> float:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression

    X, y = load_breast_cancer(return_X_y=True)
    return LogisticRegression(max_iter=50).fit(X, y).score(X, y)


def sleep_for_ever() -> None:
    time.sleep(1e6)


def sum_in_c() -> None:
    sum(range(10**12))


def match_for_ever() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def segfault() -> None:
    ctypes.string_at(0)


def leave(code: str) -> None:
    os._exit(int(code))


def fork(then: str) -> None:
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(1e6)
    if then == "leave":
        os._exit(3)
    if then == "sleep":
        time.sleep(1e6)


def write_everywhere(junk: bytes) -> None:
    for descriptor in range(3, 31):
        with suppress(OSError):
            os.set_blocking(descriptor, False)
            os.write(descriptor, junk)
    for descriptor in range(3, 31):
        with suppress(OSError):
            os.set_blocking(descriptor, True)


def close_everything() -> None:
    os.closerange(3, 31)


BEHAVIOURS = {
    "nap": nap,
    "empty": empty,
    "fit": fit_a_model,
    "sleep": sleep_for_ever,
    "sum-in-C": sum_in_c,
    "regex": match_for_ever,
    "stop-itself": stop_itself,
    "segfault": segfault,
    "exit": leave,
    "fork": fork,
    "junk-message": lambda: write_everywhere(b"\0\0\0\4junk"),
    "junk-text": lambda: write_everywhere(b"hello world\n"),
    "close-all": close_everything,
}
FAULTS = [
    "sleep", "sum-in-C", "regex", "stop-itself", "segfault", "exit 3", "exit 0", "fork sleep", "fork leave", "fork go-on",
    "junk-message", "junk-text", "close-all",
]  # fmt: skip


def perform(text: str) -> Any:
    name, *arguments = text.split()
    return BEHAVIOURS[name](*arguments)


# Hosts: one for each system


def serve() -> None:
    """Serve the parent: the host process starts here."""
    descriptor, system, limit, preload, errors = sys.argv[-5:]
    faulthandler.register(signal.SIGUSR1, file=open(errors, "a"), all_threads=True)  # noqa: SIM115
    parent, limit = Connection(int(descriptor)), float(limit) or None
    if preload == "yes":
        import sklearn.linear_model  # noqa: F401
    with suppress(EOFError, OSError):
        HOSTS[system](parent, limit)
    os._exit(0)


def serve_ours(parent: Connection, limit: float | None) -> None:
    import numpy as np

    from evoml.core.candidate import Evaluation, Status
    from evoml.evaluation.executors import host

    class Translated:
        """The parent's pipe, in the words of our host."""

        fileno = parent.fileno

        def recv(self) -> tuple[int, str, tuple[float, ...]]:
            return (*parent.recv(), ())

        def send(self, message: tuple[int, Evaluation]) -> None:
            task, evaluation = message
            done = evaluation.status is Status.OK
            parent.send((task, ("ok", evaluation.predictions.tobytes()) if done else evaluation))

    def evaluate(problem: Any, text: str, cache: Any, bars: Any) -> Evaluation:
        result = perform(text)
        return Evaluation(Status.OK, predictions=np.frombuffer(result if isinstance(result, bytes) else b"", np.uint8))

    host.evaluate = evaluate
    with tempfile.TemporaryDirectory() as folder:
        host.Host(Translated(), SimpleNamespace(time_limit=limit), WORKERS, None, Path(folder) / "cache", 0).serve()


def serve_pool(
    parent: Connection, make: Any, begin: Any, end: Any, end_at_last: bool = True, whole: bool = True
) -> None:
    """Hand what comes from the parent to a pool of a library; a broken pool is replaced, and all its tasks answered for."""
    state, pending = {"pool": make(), "broken": False}, {}

    def answer(future: Any) -> None:
        try:
            found = ("ok", future.result())
        except BaseException as error:
            kind = type(error).__name__
            if isinstance(error, concurrent.futures.process.BrokenProcessPool):
                state["broken"] = whole
                kind = "broken"
            found = (kind, f"{type(error).__name__}: {error}"[:300])
        send(future, found)

    def send(future: Any, found: Any) -> None:
        with TURN, suppress(OSError):
            task = pending.pop(future, None)
            if task is not None:
                parent.send((task, found))

    def renew(why: str) -> None:
        threading.Thread(target=end, args=(state["pool"],), daemon=True).start()
        with TURN:
            parent.send((NEWS, ("pools broken", why)))
            for future in list(pending):
                send(future, ("broken", "its pool broke"))
        state["pool"], state["broken"] = make(), False

    try:
        while True:
            task, text = parent.recv()
            if state["broken"]:
                renew("a task was told so")
            try:
                future = begin(state["pool"], text)
            except Exception as error:
                renew(f"{type(error).__name__}: {error}")
                future = begin(state["pool"], text)
            pending[future] = task
            future.add_done_callback(answer)
    finally:
        if end_at_last:  # otherwise the workers die with this process
            end(state["pool"])


def settle(host: int, descriptors: list[int]) -> None:
    """Give a worker of pebble's what ours have: a group of its own, an end with the host, no foreign descriptors."""
    os.setpgrp()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)


def serve_pebble(parent: Connection, limit: float | None, helped: bool = True, max_tasks: int = 0) -> None:
    import multiprocessing

    from pebble import ProcessPool

    given = {"initializer": settle, "initargs": (os.getpid(), [parent.fileno()])} if helped else {}

    def make() -> Any:
        return ProcessPool(WORKERS, max_tasks, context=multiprocessing.get_context("fork"), **given)

    def end(pool: Any) -> None:
        pool.stop()
        pool.join()

    serve_pool(parent, make, lambda pool, text: pool.schedule(perform, args=(text,), timeout=limit), end, not helped)


class OnePoolEach:
    """A pool of pebble's for each worker, so that no two share a channel; a broken one is replaced alone."""

    def __init__(self, make: Any, end: Any, tell: Any) -> None:
        self.make, self.end_pool, self.tell = make, end, tell
        self.pools: list[Any] = [make() for _ in range(WORKERS)]
        self.open: list[list[Any]] = [[] for _ in range(WORKERS)]

    def schedule(self, text: str, limit: float | None) -> Any:
        self.open = [[future for future in futures if not future.done()] for futures in self.open]
        index = min(range(WORKERS), key=lambda number: len(self.open[number]))
        try:
            future = self.pools[index].schedule(perform, args=(text,), timeout=limit)
        except RuntimeError as error:
            self._replace(index, str(error))
            future = self.pools[index].schedule(perform, args=(text,), timeout=limit)
        self.open[index].append(future)
        return future

    def _replace(self, index: int, why: str) -> None:
        with TURN:
            self.tell(why)
        threading.Thread(target=self.end_pool, args=(self.pools[index],), daemon=True).start()
        for future in self.open[index]:
            with suppress(concurrent.futures.InvalidStateError):
                future.set_exception(OSError("its pool broke"))
        self.pools[index], self.open[index] = self.make(), []

    def end(self) -> None:
        for pool in self.pools:
            self.end_pool(pool)


def serve_pebble_each(parent: Connection, limit: float | None) -> None:
    import multiprocessing

    from pebble import ProcessPool

    def make() -> Any:
        given = {"initializer": settle, "initargs": (os.getpid(), [parent.fileno()])}
        return ProcessPool(1, context=multiprocessing.get_context("fork"), **given)

    def end(pool: Any) -> None:
        pool.stop()
        pool.join()

    serve_pool(
        parent,
        lambda: OnePoolEach(make, end, lambda why: parent.send((NEWS, ("pools broken", why)))),
        lambda team, text: team.schedule(text, limit),
        OnePoolEach.end,
        end_at_last=False,
        whole=False,
    )


def serve_loky(parent: Connection, limit: float | None) -> None:
    from loky.process_executor import ProcessPoolExecutor

    serve_pool(
        parent,
        lambda: ProcessPoolExecutor(WORKERS),
        lambda pool, text: pool.submit(perform, text),
        lambda pool: pool.shutdown(wait=True, kill_workers=True),
    )


HOSTS = {
    "ours": serve_ours,
    "pebble": serve_pebble,
    "pebble each": serve_pebble_each,
    "pebble bare": lambda parent, limit: serve_pebble(parent, limit, helped=False),
    "pebble max_tasks=1": lambda parent, limit: serve_pebble(parent, limit, max_tasks=1),
    "loky": serve_loky,
}


class Executor:
    """The parent's side, the same for all systems."""

    def __init__(self, system: str, peers: Path, limit: float = 0.0, preload: bool = False) -> None:
        ours, theirs = Pipe()
        self.connection = ours
        self.dump = tempfile.NamedTemporaryFile(prefix="pools")  # noqa: SIM115
        code = f"from {Path(__file__).stem} import serve; serve()"
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


# What is measured


def kills(system: str, peers: Path, wanted: int, n_bytes: int, seconds: float) -> dict[str, Any]:
    """Kill workers at random moments while tasks of 3 to 10 ms run; count what becomes of pool and tasks."""
    chance = random.Random(n_bytes + wanted)
    count: collections.Counter[str] = collections.Counter()
    began, stacks, worst = time.monotonic(), "", 0.0
    while count["kills"] < wanted and time.monotonic() - began < seconds:
        executor = Executor(system, peers, limit=60)
        executor.warm_up()
        waiting: dict[int, float] = {}
        task, last, strike = 0, time.monotonic(), time.monotonic() + 0.1
        while count["kills"] < wanted and time.monotonic() - began < seconds:
            while len(waiting) < 3 * WORKERS:
                waiting[task] = time.monotonic()
                executor.submit(task, f"nap {chance.uniform(0.003, 0.01):.4f} {n_bytes}")
                task += 1
            try:
                found = executor.completed(strike - time.monotonic())
            except (EOFError, OSError):
                count["host died"] += 1
                break
            now = time.monotonic()
            if found:
                worst, last = max(worst, now - last), now
            for which, answer in found:
                if which >= 0:
                    waiting.pop(which, None)
                    count["tasks"] += 1
                count[_verdict(answer)] += which != WARM
            late = [which for which, since in waiting.items() if now - since > SILENCE]
            if now - last > SILENCE:
                count["hangs"] += 1
                if not stacks:
                    stacks = executor.stacks()
                break
            for which in late:  # others came back meanwhile
                count["lost"] += 1
                del waiting[which]
            if now >= strike:
                strike = now + chance.uniform(0.02, 0.2)
                victims = workers(executor.host.pid)
                if victims:
                    with suppress(OSError):
                        os.kill(chance.choice(victims), signal.SIGKILL)
                        count["kills"] += 1
        executor.end()
    return {**count, "seconds": round(time.monotonic() - began), "longest silence": round(worst, 2), "stacks": stacks}


def _verdict(answer: Any) -> str:
    """Return one word for an answer: ok, crashed, timeout, broken, or the name of an error."""
    if isinstance(answer, tuple):
        return {"ProcessExpired": "crashed", "TimeoutError": "timeout"}.get(answer[0], answer[0])
    return str(answer.status.name).lower()


def fault(system: str, peers: Path, text: str, limit: float = 1.0, patience: float = 12.0) -> dict[str, Any]:
    """Run one bad task in a stream of good ones; return its outcome and what the others suffered."""
    executor = Executor(system, peers, limit=limit)
    executor.warm_up()
    count: collections.Counter[str] = collections.Counter()
    waiting: set[int] = set()
    executor.submit(0, text)
    began = last = time.monotonic()
    outcome, late, gap, task, words, ends = "no answer", None, 0.0, 1, "", began + patience
    try:
        while time.monotonic() < ends:
            while len(waiting) < WORKERS:
                waiting.add(task)
                executor.submit(task, "nap 0.005")
                task += 1
            found = executor.completed(0.5)
            now = time.monotonic()
            for which, answer in found:
                if which == 0:
                    outcome, late, ends = _verdict(answer), now - began, min(ends, now + 4.5)
                    words = str(answer[1] if isinstance(answer, tuple) else answer.error)[:90]
                else:
                    waiting.discard(which)
                    count[_verdict(answer)] += which != NEWS
            if any(which > 0 for which, _ in found):
                gap, last = max(gap, now - last), now
    except (EOFError, OSError):
        outcome += ", host died"
    gap = max(gap, time.monotonic() - last)
    bad = {word: n for word, n in count.items() if n and word != "ok"}
    left = len(strays(executor.host.pid))
    dead = time.monotonic() - last > 3
    stacks = executor.stacks() if dead else ""
    executor.end()
    return {
        "outcome": outcome, "after": late, "words": words, "good": count["ok"], "others": bad, "stall": round(gap, 2),
        "strays": left, "pool dead": dead, "stacks": stacks,
    }  # fmt: skip


def rate(system: str, peers: Path, n_tasks: int, in_flight: int) -> dict[str, float]:
    """Return empty tasks per second and CPU microseconds a task of the parent, the host and the workers."""
    executor = Executor(system, peers, limit=60)
    executor.warm_up()
    team = workers(executor.host.pid)
    replaced = system.endswith("max_tasks=1")
    before = time.process_time(), cpu_seconds(executor.host.pid), 0 if replaced else sum(map(cpu_seconds, team))
    began, sent, done = time.perf_counter(), 0, 0
    while done < n_tasks:
        while sent - done < in_flight and sent < n_tasks:
            executor.submit(sent, "empty")
            sent += 1
        done += len(executor.completed(10))
    wall = time.perf_counter() - began
    after = time.process_time(), cpu_seconds(executor.host.pid), 0 if replaced else sum(map(cpu_seconds, team))
    executor.end()
    parent, host, theirs = ((late - early) / n_tasks * 1e6 for early, late in zip(before, after, strict=True))
    return {"per second": n_tasks / wall, "parent": parent, "host": host, "workers": theirs}


def orphans(system: str, peers: Path) -> dict[str, Any]:
    """Kill the parent of a busy host; return how many processes of its session live on, and for how long."""
    code = (
        f"import sys, time; from pathlib import Path; from {Path(__file__).stem} import Executor\n"
        f"made = Executor({system!r}, Path({str(peers)!r}), limit=60); made.warm_up()\n"
        "made.submit(0, 'sum-in-C'); made.submit(1, 'fork sleep'); print(made.host.pid, flush=True); time.sleep(1e6)"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *(entry or os.getcwd() for entry in sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        host = int(parent.stdout.readline())
        time.sleep(1.5)
        before = len(session(host))
        parent.kill()
    began, alone = time.monotonic(), None
    while time.monotonic() - began < 5:
        if not session(host):
            alone = time.monotonic() - began
            break
        time.sleep(0.02)
    left = session(host)
    kinds = ["host" if pid == host else "worker" if up == host else "task's child" for pid, up in left.items()]
    for pid in left:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return {"before": before, "left": dict(collections.Counter(kinds)), "gone after": alone}


def memory(system: str, peers: Path) -> dict[str, float]:
    """Return the proportional set size in MiB of host and workers that have fitted a model of scikit-learn's."""
    executor = Executor(system, peers, limit=60, preload=True)
    executor.warm_up()
    for task in range(10 * WORKERS):
        executor.submit(task, "fit")
    done = 0
    while done < 10 * WORKERS:
        done += len(executor.completed(30))
    team = session(executor.host.pid)
    found = {pid: proportional_bytes(pid) / 2**20 for pid in team}
    host = found.pop(executor.host.pid)
    executor.end()
    return {"host": host, "others": sum(found.values()), "total": host + sum(found.values())}


# The tables


def show_kills(chosen: argparse.Namespace) -> None:
    print(f"\n1. Workers killed at random moments, {WORKERS} workers, tasks of 3 to 10 ms")
    print(
        "system      result    kills   tasks     ok crashed  broken  pools broken  lost hangs  longest silence s  seconds"
    )
    for system in chosen.systems:
        wanted = chosen.kills if system != "loky" else min(chosen.kills, chosen.loky_kills)
        for n_bytes in (1_000, 1_000_000):
            # other seeds come with other numbers of kills
            parts = [wanted // chosen.side_by_side + number for number in range(chosen.side_by_side)]
            with concurrent.futures.ThreadPoolExecutor(chosen.side_by_side) as team:
                begun = [team.submit(_alone, "kills", chosen, system, n, n_bytes, chosen.seconds) for n in parts]
            runs = [run.result() for run in begun]
            sums: collections.Counter[str] = collections.Counter()
            for run in runs:
                sums.update({key: value for key, value in run.items() if isinstance(value, int)})
            worst = max(run["longest silence"] for run in runs)
            known = ("tasks", "kills", "ok", "crashed", "broken", "pools broken", "lost", "hangs", "seconds")
            rest = {key: value for key, value in sums.items() if key not in known}
            print(
                f"{system:11s} {n_bytes // 1000:4d} KB {sums['kills']:7d} {sums['tasks']:7d} {sums['ok']:6d}"
                f" {sums['crashed']:7d} {sums['broken']:7d} {sums['pools broken']:13d} {sums['lost']:5d} {sums['hangs']:5d}"
                f" {worst:18.2f} {sums['seconds']:8d}  {rest or ''}",
                flush=True,
            )
            _keep_stacks(f"kills {system} {n_bytes}", next((run["stacks"] for run in runs if run["stacks"]), ""))


def show_faults(chosen: argparse.Namespace) -> None:
    print("\n2. One bad task (limit 1 s) in a stream of good ones of 5 ms; our own limit has 1 s of grace on purpose")
    print(
        "task          system      outcome       after s  stall of others s  good done  others not ok  strays  pool dead"
    )
    for text in chosen.faults:
        for system in chosen.systems:
            run = _alone("fault", chosen, system, text)
            after = "-" if run["after"] is None else f"{run['after']:.2f}"
            print(
                f"{text:13s} {system:11s} {run['outcome']:13s} {after:>7s} {run['stall']:18.2f} {run['good']:10d}"
                f"  {json.dumps(run['others']):14s} {run['strays']:6d}  {'DEAD' if run['pool dead'] else 'alive'}"
                f"  {run['words']}",
                flush=True,
            )
            _keep_stacks(f"fault {system} {text}", run["stacks"])


def show_rate(chosen: argparse.Namespace) -> None:
    print(f"\n3. Empty tasks, medians of {chosen.repeats}; systems take turns; CPU in microseconds a task")
    print("system              in flight  tasks/s   parent     host  workers")
    extra = ["pebble max_tasks=1"] if "pebble" in chosen.systems else []
    for in_flight in (2 * WORKERS, 16 * WORKERS):
        found: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
        for _ in range(chosen.repeats):
            for system in [*chosen.systems, *extra]:
                n_tasks = 100 if system in extra else chosen.tasks
                found[system].append(_alone("rate", chosen, system, n_tasks, in_flight))
        for system, runs in found.items():
            middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            print(
                f"{system:19s} {in_flight:9d} {middle['per second']:8.0f} {middle['parent']:8.0f}"
                f" {middle['host']:8.0f} {middle['workers']:8.0f}",
                flush=True,
            )


def show_orphans(chosen: argparse.Namespace) -> None:
    print("\n4. Processes alive 5 s after the parent was killed (one worker sums in C, one has forked a child)")
    for system in [*chosen.systems, *(["pebble bare"] if "pebble" in chosen.systems else [])]:
        run = _alone("orphans", chosen, system)
        gone = "" if run["gone after"] is None else f"all gone after {run['gone after']:.2f} s"
        print(f"{system:12s} {run['before']} before, left: {json.dumps(run['left'])} {gone}", flush=True)


def show_memory(chosen: argparse.Namespace) -> None:
    print(
        "\n5. Proportional set size in MiB, two workers, scikit-learn imported in the host, models fitted in the workers"
    )
    for system in chosen.systems:
        run = _alone("memory", chosen, system)
        print(
            f"{system:11s} host {run['host']:6.0f}  others {run['others']:6.0f}  total {run['total']:6.0f}", flush=True
        )


def _alone(name: str, chosen: argparse.Namespace, system: str, *arguments: Any) -> dict[str, Any]:
    """Run one measurement in an interpreter of its own, so that none leaves anything to the next."""
    wanted = json.dumps([name, system, str(chosen.peers), *arguments])
    done = subprocess.run([sys.executable, __file__, "--alone", wanted], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} {system} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _alone_here(wanted: str) -> None:
    name, system, peers, *arguments = json.loads(wanted)
    print(json.dumps(MEASUREMENTS[name](system, Path(peers), *arguments)))


def _keep_stacks(title: str, stacks: str) -> None:
    """Append where a silent host was, for whoever wants to know why."""
    if stacks and STACKS:
        with STACKS[0].open("a") as kept:
            kept.write(f"=== {title}\n{stacks}\n")


STACKS: list[Path] = []
MEASUREMENTS = {"kills": kills, "fault": fault, "rate": rate, "orphans": orphans, "memory": memory}
TABLES = {
    "kills": show_kills,
    "faults": show_faults,
    "rate": show_rate,
    "orphans": show_orphans,
    "memory": show_memory,
}


def install(peers: Path) -> None:
    """Install the peers into a folder of their own if they are not there yet."""
    if not (peers / "pebble").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", peers, "pebble", "loky"], check=True)
    found = {
        item.metadata["Name"].lower(): item.version for item in importlib.metadata.distributions(path=[str(peers)])
    }
    print(f"pebble {found['pebble']}, loky {found['loky']}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=list(HOSTS))
    parser.add_argument("--kills", type=int, default=1000, help="for each size of result")
    parser.add_argument("--loky-kills", type=int, default=100, help="fewer: every one of them breaks its pool")
    parser.add_argument("--seconds", type=float, default=300, help="after which killing stops anyway")
    parser.add_argument("--side-by-side", type=int, default=2, help="hosts whose workers are killed at a time")
    parser.add_argument("--faults", nargs="+", default=FAULTS)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--stacks", type=Path, help="file for the stacks of hosts that fell silent")
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        _alone_here(chosen.alone)
        return 0
    STACKS.extend([chosen.stacks] if chosen.stacks else [])
    install(chosen.peers)
    for name in chosen.measure:
        TABLES[name](chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
