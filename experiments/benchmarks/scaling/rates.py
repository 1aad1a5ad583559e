"""Empty tasks per second through each executor, and the bytes that a genome takes over the wire to a Dask scheduler.

    python experiments/benchmarks/scaling/rates.py [--seconds 3] [--repeats 5]

A task is empty because its text is no pipeline: it is refused as soon as a worker reads it. All that is left is the way there
and back. Executors take turns, so that other work on the machine meets all of them; medians are printed, and written to
rates.json for simulate.py.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import socket
import statistics
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster
from sklearn.datasets import load_iris

from evoml.components import load_catalogue
from evoml.core.candidate import Cost, Evaluation, Status
from evoml.core.dataset import read_dataset
from evoml.core.errors import FitError
from evoml.evaluation import Problem, scorers, splits
from evoml.evaluation.executors.cluster import seconds_per_task
from evoml.evaluation.executors.dask import DaskExecutor
from evoml.evaluation.executors.process import ProcessExecutor
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

BATCHES = (1, 4, 16, 64)
LENGTH = 120  # of a text, as that of a pipeline usually is
UNDER_WAY = 8  # tasks at once for each of two workers


def empty_problem() -> Problem:
    dataset = read_dataset(*load_iris(return_X_y=True), "classification")
    space = PipelineSpace(load_catalogue(), DataFacts("classification", "dense", 60, 4, 3, 20))
    return Problem(dataset, space, splits(dataset, 3, 0), scorers(["accuracy"], "classification", dataset.classes), 0)


def empty(task: int) -> str:
    """Return a text that is no pipeline, and not like any other."""
    return hashlib.shake_256(str(task).encode()).hexdigest(LENGTH // 2)


class Instant:
    """An executor that knows all results beforehand: what is left of a run is asking, recording and telling."""

    capacity = 64

    def __init__(self) -> None:
        self._found: list[tuple[int, Evaluation]] = []

    def submit(self, task: int, text: str, bars: Any = ()) -> None:
        score = int(hashlib.blake2b(text.encode(), digest_size=4).hexdigest(), 16) / 2**32
        self._found.append((task, Evaluation(Status.OK, {"accuracy": (score,) * 5}, Cost(wall=0.01))))

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        found, self._found = self._found, []
        return found

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        return [FitError("this is only a measurement") for _ in texts]

    def close(self) -> None:
        pass


def loop_rate(candidates: int = 1500) -> float:
    """Return the candidates a second that the loop itself can ask, record in a journal file and tell."""
    from unittest.mock import patch

    from evoml import EvoClassifier

    stamps: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("evoml.run.parts.executor", lambda *_: Instant()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        EvoClassifier(
            max_evaluations=candidates,
            callbacks=[lambda *_: stamps.append(time.perf_counter())],
            journal=Path(folder) / "journal.db",
            random_state=0,
        ).fit(*load_iris(return_X_y=True))
    return (len(stamps) - 1) / (stamps[-1] - stamps[0])


def rate(executor: Any, under_way: int, seconds: float) -> float:
    """Return the empty tasks a second, with so many of them on their way all the time."""
    submitted = done = 0
    began = ends = 0.0
    while not ends or time.perf_counter() < ends:
        for _ in range(under_way - (submitted - done)):
            executor.submit(submitted, empty(submitted))
            submitted += 1
        done += len(executor.completed(1.0))
        if not ends and done >= under_way:  # all is loaded and warm
            began, first = time.perf_counter(), done
            ends = began + seconds
    found = (done - first) / (time.perf_counter() - began)
    while done < submitted:
        done += len(executor.completed(1.0))
    return found


def in_batches(problem: Problem, client: Client, size: int) -> DaskExecutor:
    """Return an executor whose tasks carry ``size`` genomes, whatever it measures itself."""
    made = DaskExecutor(problem, client)
    made._batch_size = lambda: size  # type: ignore[method-assign]
    return made


@contextlib.contextmanager
def relay(target: str) -> Iterator[tuple[str, Counter[str]]]:
    """Yield an address that leads to ``target``, and the bytes that have passed in each direction."""
    host, port = target.removeprefix("tcp://").split(":")
    passed: Counter[str] = Counter()
    server = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(2**16):
                passed[direction] += len(content)
                sink.sendall(content)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection((host, int(port)))
                for ends in ((near, far, "there"), (far, near, "back")):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}", passed
    server.close()


def bytes_per_genome(problem: Problem, scheduler: str, size: int, genomes: int = 512) -> tuple[float, float]:
    """Return the bytes for one genome from this process to the scheduler, and back, in tasks of ``size``."""
    with relay(scheduler) as (address, passed), Client(address, set_as_default=False) as client:
        made = in_batches(problem, client, size)
        counts = []
        for start in (0, genomes):  # the first round is for warmth: sandboxes, connections
            before = passed.copy()
            for task in range(start, start + genomes):
                made.submit(task, empty(task))
            done = 0
            while done < genomes:
                done += len(made.completed(1.0))
            counts.append([(passed[way] - before[way]) / genomes for way in ("there", "back")])
        made.close()
    return tuple(counts[1])  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=5)
    told = parser.parse_args()
    problem = empty_problem()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        client = Client(cluster, set_as_default=False)
        makers: dict[str, tuple[Callable[[], Any], int]] = {
            "serial": (lambda: SerialExecutor(problem), 1),
            "process, 1 worker": (lambda: ProcessExecutor(problem, 1), UNDER_WAY),
            "process, 2 workers": (lambda: ProcessExecutor(problem, 2), 2 * UNDER_WAY),
            "dask on this machine without a client": (lambda: DaskExecutor(problem, None, 2), 2 * UNDER_WAY),
        }
        for size in BATCHES:
            makers[f"dask, 2 workers, tasks of {size}"] = (
                lambda size=size: in_batches(problem, client, size),
                2 * UNDER_WAY * size,
            )
        alone, loop = "dask alone: its own empty tasks", "ask, record, tell: the loop without evaluations"
        found: dict[str, list[float]] = {name: [] for name in (*makers, alone, loop)}
        for _ in range(told.repeats):
            for name, (make, under_way) in makers.items():
                executor = make()
                found[name].append(rate(executor, under_way, told.seconds))
                executor.close()
            found[alone].append(statistics.median(1 / seconds_per_task(client) for _ in range(9)))
            found[loop].append(loop_rate())
        rates = {name: statistics.median(values) for name, values in found.items()}
        for name, value in rates.items():
            low, high = min(found[name]), max(found[name])
            print(f"{name:<48} {value:8.0f} genomes/s   (of {told.repeats}: {low:.0f} to {high:.0f})", flush=True)
        wire = {size: bytes_per_genome(problem, cluster.scheduler_address, size) for size in BATCHES}
        for size, (there, back) in wire.items():
            print(f"tasks of {size:<3} {there:6.0f} bytes there, {back:6.0f} bytes back for each genome")
        client.close()
    Path(__file__).with_name("rates.json").write_text(json.dumps({"rates": rates, "bytes": wire}, indent=2) + "\n")


if __name__ == "__main__":
    main()
