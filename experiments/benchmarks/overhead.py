"""Where the CPU seconds of a run go: fitting, predicting and scoring, or the engine around them.

    python experiments/benchmarks/overhead.py [--evaluations 400] [--jobs 2] [--repeats 3] [--table breast_cancer]
        [--algorithm nsga2] [--light] [--library] [--unraced]

Each run is a fresh interpreter. Functions of the engine are wrapped, in the parent, the host and its workers, so that each CPU
second is counted once, where it was spent. *Library* is what a step's own ``fit``, ``transform`` and ``predict``, and the
metric, take; *engine* is everything else from the first candidate to the return of ``fit``; start-up (imports, reading the
table, loading the parts in the host) is shown apart. The whole is what the operating system says of all processes. ``--light``
leaves only cheap parts in the search space, ``--library`` only scikit-learn's own; ``--unraced`` evaluates all candidates on
all folds. The promise: the engine takes at most 5 % of library and engine together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

LIGHT = [
    "BernoulliNB", "DecisionTreeClassifier", "GaussianNB", "KNeighborsClassifier", "LogisticRegression", "MinMaxScaler",
    "RobustScaler", "StandardScaler", "MaxAbsScaler", "Normalizer", "SelectPercentileFClassif", "VarianceSelector",
    "KBinsDiscretizer", "Binarizer", "PCA", "Nystroem", "RBFSampler", "QuantileTransformer",
]  # fmt: skip
LIBRARY = ("fit and predict", "score", "last fit")
MOST = 0.05  # of library and engine together


class Meter:
    """Counts each CPU second of this process for the innermost section that it was spent in."""

    def __init__(self, rest: str) -> None:
        self.rest = rest
        self.begin()

    def begin(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.open, self.at = [self.rest], time.process_time()

    def enter(self, section: str) -> None:
        now = time.process_time()
        self.spent[self.open[-1]] += now - self.at
        self.calls[section] += 1
        self.open.append(section)
        self.at = now

    def leave(self) -> None:
        now = time.process_time()
        self.spent[self.open.pop()] += now - self.at
        self.at = now

    def wrap(self, owner: Any, names: str, section: str) -> None:
        """Count what the named functions of a module or class take."""
        for name in names.split():
            setattr(owner, name, self.wrapped(getattr(owner, name), section))

    def wrapped(self, function: Any, section: str) -> Any:
        import functools

        @functools.wraps(function)
        def timed(*arguments: Any, **keywords: Any) -> Any:
            self.enter(section)
            try:
                return function(*arguments, **keywords)
            finally:
                self.leave()

        return timed


def watch_host(folder: str) -> None:
    """Wrap what the host and its workers do; called in the host before it forks."""
    from evoml.evaluation import cache, execution, problem, results
    from evoml.evaluation.executors import channel, host
    from evoml.genomes.pipeline_tree import plan, space

    meter = Meter("rest of an evaluation")

    def enter(watch: Any) -> Any:
        watch.wall, watch.cpu = time.perf_counter(), time.process_time()
        meter.enter("fit and predict")
        return watch

    def leave(watch: Any, *error: object) -> None:
        meter.leave()
        watch.wall, watch.cpu = time.perf_counter() - watch.wall, time.process_time() - watch.cpu

    results.Stopwatch.__enter__, results.Stopwatch.__exit__ = enter, leave
    meter.wrap(execution, "inner_folds", "fit and predict")
    meter.wrap(problem, "apply", "score")
    meter.wrap(host, "_fitted", "last fit")
    meter.wrap(space.PipelineSpace, "read", "reading the plan")
    meter.wrap(plan.Plan, "make", "making steps")
    meter.wrap(cache.SharedCache, "recall keep", "cache")
    meter.wrap(execution, "pickled_size", "sizes of steps")
    meter.wrap(problem, "semantics", "predictions and their hash")
    meter.wrap(problem.Trial, "_predictions _out_of_fold", "predictions and their hash")
    meter.wrap(problem, "peak_memory", "memory figures")
    meter.wrap(host, "status_bytes", "memory figures")
    meter.wrap(problem.Trial, "_before_fit", "random states")
    meter.wrap(problem.Trial, "_cost", "figures of cost")
    meter.wrap(execution.Execution, "step_times", "figures of cost")
    meter.wrap(channel.Channel, "receive", "channel")
    work, serve, send = host.work, host.Host.serve, meter.wrapped(channel.Channel.send, "channel")

    def sent(end: Any, message: Any) -> None:
        send(end, message)
        if not isinstance(message, host.Task):  # a worker's answer
            meter.enter("measuring")
            Path(folder, f"worker-{os.getpid()}").write_text(json.dumps([meter.spent, meter.calls]))
            meter.leave()

    def worked(*arguments: Any) -> None:
        meter.begin()
        work(*arguments)

    def served(this: Any) -> None:
        Path(folder, "host").write_text(str(time.process_time()))
        serve(this)

    channel.Channel.send, host.work, host.Host.serve = sent, worked, served


class Watched:
    """Wraps the host's functions where it is unpickled: there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return watch_host, (self.folder,)


def watch_parent(meter: Meter, folder: str) -> None:
    """Wrap what the parent does, and have the host wrap its own."""
    from evoml.algorithms.base import EvolutionaryAlgorithm
    from evoml.evaluation import Evaluator
    from evoml.evaluation.executors import process
    from evoml.evaluation.objectives import Objective
    from evoml.evaluation.predictions import Kept
    from evoml.journal import Journal
    from evoml.run import loop

    search = sys.modules["evoml.run.search"]  # the package has a function of that name
    defined = process.defined_by_user
    process.defined_by_user = lambda builder: {**defined(builder), "_watched": Watched(folder)}
    meter.wrap(EvolutionaryAlgorithm, "ask", "asking: variation, keys")
    meter.wrap(EvolutionaryAlgorithm, "tell", "telling")
    meter.wrap(Evaluator, "lined_up", "bars of races")
    meter.wrap(Objective, "__call__", "objectives")
    meter.wrap(Kept, "offer changes", "kept predictions")
    meter.wrap(process.ProcessExecutor, "submit completed", "pipe, pickling")
    meter.wrap(Journal, "asked told progressed put event", "journal")
    meter.wrap(loop.Tracker, "told reason", "tracker")
    meter.wrap(search, "best_model with_decision expectation _finish", "end of the run")
    evolve = search.evolve

    def evolved(*arguments: Any, **keywords: Any) -> Any:
        meter.begin()
        return evolve(*arguments, **keywords)

    search.evolve = evolved


def one(wanted: argparse.Namespace) -> dict[str, Any]:
    """Run once in this process, and return the CPU seconds of each section."""
    from sklearn import datasets

    from evoml import EvoClassifier

    X, y = getattr(datasets, f"load_{wanted.table}")(return_X_y=True)
    meter = Meter("rest of the loop")
    model = EvoClassifier(
        max_evaluations=wanted.evaluations,
        n_jobs=wanted.jobs,
        algorithm=wanted.algorithm,
        random_state=wanted.seed,
        search_space=_space(wanted),
        racing=not wanted.unraced,
    )
    with tempfile.TemporaryDirectory() as folder:
        import evoml.run  # noqa: F401 - what is wrapped must be there

        watch_parent(meter, folder)
        model.fit(X, y)
        meter.enter("measuring")
        files = sorted(Path(folder).glob("worker-*"))
        workers = [json.loads(file.read_text()) for file in files]
        host_start = float(Path(folder, "host").read_text())
    spent: dict[str, float] = defaultdict(float)
    for sections, _ in workers:
        for section, seconds in sections.items():
            spent[f"worker: {section}"] += seconds
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    in_workers = sum(spent.values())
    spent["host"] = children.ru_utime + children.ru_stime - in_workers - host_start
    spent |= {f"parent: {section}": seconds for section, seconds in meter.spent.items()}
    told = model.evaluated_individuals_
    return {
        "spent": {section: seconds for section, seconds in spent.items() if "measuring" not in section},
        "start": {"parent": time.process_time() - sum(meter.spent.values()), "host": host_start},
        "evaluations": int(told["duplicate_of"].isna().sum()),
        "fits": sum(calls.get("making steps", 0) for _, calls in workers),
        "score": model.best_score_,
    }


def _space(wanted: argparse.Namespace) -> Any:
    """Return the search space that was asked for; None is the default one."""
    from evoml import load_catalogue

    if wanted.library:
        return {"only": [name for name, part in load_catalogue().items() if part.path.startswith("sklearn.")]}
    return {"only": LIGHT} if wanted.light else None


def is_library(section: str) -> bool:
    return section.startswith("worker: ") and section.removeprefix("worker: ") in LIBRARY


def report(runs: list[dict[str, Any]]) -> float:
    """Print medians and return the engine's share."""
    sections = {section for run in runs for section in run["spent"]}
    seconds = {name: statistics.median(run["spent"].get(name, 0.0) for run in runs) for name in sections}
    shares, whole = [], []
    for run in runs:
        library = sum(value for name, value in run["spent"].items() if is_library(name))
        whole.append(sum(run["spent"].values()))
        shares.append(1 - library / whole[-1])
    evaluations = statistics.median(run["evaluations"] for run in runs)
    fits = statistics.median(run["fits"] for run in runs)
    print(
        f"{len(runs)} runs of {evaluations:.0f} evaluations ({fits:.0f} steps fitted), best score {runs[0]['score']:.4f}"
    )
    for name in ("parent", "host"):
        print(
            f"start-up of the {name:6s}            {statistics.median(run['start'][name] for run in runs):8.2f} CPU-s"
        )
    print(f"{'section':44s}    CPU-s    share   ms an evaluation")
    for name in sorted(sections, key=lambda name: (not is_library(name), -seconds[name])):
        kind = "library" if is_library(name) else "engine "
        share, each = seconds[name] / statistics.median(whole), 1000 * seconds[name] / evaluations
        print(f"{kind} {name:36s} {seconds[name]:8.3f} {share:8.2%} {each:10.3f}")
    share = statistics.median(shares)
    print(
        f"engine: {share:.2%} of {statistics.median(whole):.2f} CPU-s (runs: {', '.join(f'{s:.2%}' for s in shares)})"
    )
    return share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--table", default="breast_cancer")
    parser.add_argument("--algorithm", default="nsga2")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--library", action="store_true")
    parser.add_argument("--unraced", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.one:
        print(json.dumps(one(wanted)))
        return 0
    runs = []
    for seed in range(wanted.repeats):
        command = [sys.executable, __file__, *sys.argv[1:], "--one", "--seed", str(seed)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        runs.append(json.loads(said.splitlines()[-1]))
    return int(report(runs) > MOST)


if __name__ == "__main__":
    sys.exit(main())
