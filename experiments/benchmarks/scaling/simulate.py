"""How busy 1 to 10,000 workers are kept, by algorithms with and without a barrier: a simulation fed with what was measured.

    python experiments/benchmarks/scaling/simulate.py [--out utilisation.png]

Durations are drawn from durations.csv (real evaluations, see record.py) with replacement, so their tails are as heavy as they
were. Rates are those of rates.json (see rates.py). Simulated is a chain: the loop asks a candidate, the scheduler hands out a
task with one or several candidates, a worker evaluates them one after another, the loop is told when the task is done. Loop
and scheduler do one thing at a time; each worker takes the oldest task.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from evoml.evaluation.executors.dask import batch_size

HERE = Path(__file__).parent
WORKERS = [1, 2, 5, 10, 20, 32, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
EACH, LEAST = 20, 4  # candidates, and tasks, for each worker, so that the start does not count


class Asking(Protocol):
    """When an algorithm may ask."""

    def ready(self, candidate: int) -> float:
        """Return the moment from which a candidate can be asked; candidates come in order."""
        ...

    def evaluated(self, moment: float) -> None:
        """Take in when the next candidate in the order of asking is evaluated."""
        ...


class Barrier:
    """A generation is asked when the one before is evaluated."""

    def __init__(self, population: int) -> None:
        self.population, self._latest, self._begins = population, 0.0, 0.0

    def ready(self, candidate: int) -> float:
        if candidate % self.population == 0:
            self._begins = self._latest
        return self._begins

    def evaluated(self, moment: float) -> None:
        self._latest = max(self._latest, moment)


class Ordered:
    """Candidates are told in the order of asking; a new one is asked when that many fewer are told."""

    def __init__(self, look_ahead: int) -> None:
        self.look_ahead, self._told = look_ahead, [0.0]

    def ready(self, candidate: int) -> float:
        return self._told[max(0, candidate - self.look_ahead + 1)]

    def evaluated(self, moment: float) -> None:
        self._told.append(max(self._told[-1], moment))


class Free:
    """Candidates are told as they are evaluated; so many are under way."""

    def __init__(self, under_way: int) -> None:
        self.under_way, self._pending = under_way, [0.0] * under_way

    def ready(self, candidate: int) -> float:
        return heapq.heappop(self._pending)

    def evaluated(self, moment: float) -> None:
        heapq.heappush(self._pending, moment)


ALGORITHMS: dict[str, Callable[[int, int], Asking]] = {  # of the number of workers and of candidates in a task
    "generations of 50": lambda workers, batch: Barrier(50),
    "generations as large as the cluster": lambda workers, batch: Barrier(workers),
    "ordered, look-ahead 32": lambda workers, batch: Ordered(32),
    "ordered, look-ahead of four for each worker": lambda workers, batch: Ordered(4 * workers),
    "barrier-free": lambda workers, batch: Free(2 * workers * batch),
}


def utilisation(
    asking: Asking, seconds: np.ndarray, workers: int, asking_takes: float, handing_out_takes: float, batch: int
) -> float:
    """Return the share of the workers' time spent on evaluations, until the last candidate was handed out."""
    idle_from = [0.0] * workers
    loop = scheduler = 0.0
    spans: list[tuple[float, float]] = []
    n, first = len(seconds), 0
    while first < n:
        size = min(_together(asking, first, batch, workers), n - first)
        for candidate in range(first, first + size):
            loop = max(loop, asking.ready(candidate)) + asking_takes
        scheduler = max(scheduler, loop) + handing_out_takes
        began = max(scheduler, heapq.heappop(idle_from))
        ends = began + float(seconds[first : first + size].sum())
        heapq.heappush(idle_from, ends)
        for _ in range(size):
            asking.evaluated(ends)
        spans.append((began, ends))
        first += size
    whole = isinstance(asking, Barrier)  # generations are waited for to the end; nothing else ends
    last = max(ends for _, ends in spans) if whole else spans[-1][0]
    return sum(max(0.0, min(ends, last) - began) for began, ends in spans) / (workers * last) if last else 1.0


def _together(asking: Asking, first: int, batch: int, workers: int) -> int:
    """Return how many candidates a task gets: a share of what can be asked at once, as the executor does."""
    if isinstance(asking, Barrier):
        left = asking.population - first % asking.population
        return min(batch, left, math.ceil(asking.population / workers))
    if isinstance(asking, Ordered):
        return min(batch, max(1, asking.look_ahead // (2 * workers)))
    return batch


def table(seconds: np.ndarray, asking_takes: float, handing_out_takes: float, batches: bool) -> pd.DataFrame:
    """Return the utilisation for each algorithm and number of workers."""
    rng = np.random.default_rng(0)
    rows: dict[int, dict[str, Any]] = {}
    for workers in WORKERS:
        batch = batch_size(float(seconds.mean()), handing_out_takes, workers) if batches else 1
        rows[workers] = {"in a task": batch}
        for name, make in ALGORITHMS.items():
            asking = make(workers, batch)
            n = max(3000, EACH * workers, LEAST * workers * batch if isinstance(asking, Free) else 0)
            drawn = rng.choice(seconds, n // workers * workers)
            rows[workers][name] = utilisation(asking, drawn, workers, asking_takes, handing_out_takes, batch)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("workers")


def draw(panels: dict[str, pd.DataFrame], limits: dict[str, dict[str, float]], path: Path) -> None:
    """Draw utilisation over the number of workers, one panel for each kind of scheduler."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 9.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    for axis, (title, found) in zip(axes, panels.items(), strict=True):
        for (name, column), style in zip(found.drop(columns="in a task").items(), "osD^v", strict=True):
            axis.plot(column.index, 100 * column, marker=style, markersize=5, linewidth=1.6, label=name)
        for label, workers in limits[title].items():
            axis.axvline(workers, color="0.35", linestyle="--", linewidth=1)
            room = 62 if found["barrier-free"].iloc[-2] > 0.5 else 90  # where no line is
            axis.text(workers * 1.15, room, label, ha="left", va="center", fontsize=9, color="0.25")
        axis.set_xscale("log")
        axis.set_ylim(0, 103)
        axis.set_title(title, fontsize=11)
        axis.grid(alpha=0.25)
    for axis in axes[2:]:
        axis.set_xlabel("workers")
    figure.supylabel("share of the workers' time spent on evaluations (%)", fontsize=11)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--durations", type=Path, default=HERE / "durations.csv")
    parser.add_argument("--rates", type=Path, default=HERE / "rates.json")
    parser.add_argument("--out", type=Path, default=HERE / "utilisation.png")
    told = parser.parse_args()
    seconds = pd.read_csv(told.durations)["seconds"].to_numpy()
    rates = json.loads(told.rates.read_text())["rates"]
    loop = rates["ask, record, tell: the loop without evaluations"]
    scheduler = rates["dask, 2 workers, tasks of 1"]
    mean = float(seconds.mean())
    tail, longest = np.quantile(seconds, 0.99), seconds.max()
    print(
        f"{len(seconds)} durations: mean {mean:.3f} s, median {np.median(seconds):.3f} s, 99 % {tail:.2f} s, {longest:.1f} s"
    )
    print(f"the loop makes {loop:.0f} candidates/s, enough for {loop * mean:.0f} workers")
    print(
        f"Dask hands out {scheduler:.0f} tasks/s, enough for {scheduler * mean:.0f} workers with one candidate each\n"
    )
    feeds = {f"as many as {scheduler:.0f} tasks/s\nwith one candidate can feed": scheduler * mean}
    makes = {f"as many as {loop:.0f} candidates/s\ncan feed": loop * mean}
    panels, limits = {}, {}
    for title, asking_takes, handing_out_takes, batches, marks in (
        ("A. ideal loop and scheduler", 0.0, 0.0, False, {}),
        ("B. measured scheduler, one candidate in a task", 0.0, 1 / scheduler, False, feeds),
        ("C. measured scheduler, batches", 0.0, 1 / scheduler, True, feeds),
        ("D. measured scheduler, batches, measured loop", 1 / loop, 1 / scheduler, True, makes),
    ):
        panels[title], limits[title] = table(seconds, asking_takes, handing_out_takes, batches), marks
        print(f"{title}\n{panels[title].round(2).to_string()}\n", flush=True)
    draw(panels, limits, told.out)


if __name__ == "__main__":
    main()
