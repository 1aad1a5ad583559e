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
import importlib.metadata
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pool_hosts import HOSTS, NEWS, WORKERS
from pool_parent import WARM, Executor, cpu_seconds, proportional_bytes, session, strays, workers

PEERS = Path.home() / ".cache" / "evoml-peers" / "pools"
FAULTS = [
    "sleep", "sum-in-C", "regex", "stop-itself", "segfault", "exit 3", "exit 0", "fork sleep", "fork leave", "fork go-on",
    "junk-message", "junk-text", "close-all",
]  # fmt: skip
SILENCE = 5.0  # seconds without an answer after which a host is replaced
SYSTEMS = ["ours", "pebble", "pebble each", "loky"]


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
        "import sys, time; from pathlib import Path; from pool_parent import Executor\n"
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
    print(
        "\n2. One bad task (limit 1 s) in a stream of good ones of 5 ms; our own limit has a quarter of a second of grace"
    )
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
