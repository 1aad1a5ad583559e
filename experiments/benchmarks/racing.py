"""Racing beside full evaluation: is the same quality reached in half the CPU time?

    python experiments/benchmarks/racing.py --data FOLDER [--tables NAME ...] [--evaluations 300] [--seeds 0 1 2]
        [--arms full raced half] [--out racing.jsonl] [--journals FOLDER] [--survivors 0.04] [--contenders 0.25] ...
    python experiments/benchmarks/racing.py --simulate JOURNAL ... [--look-ahead 1] [--survivors 0.04] ...

FOLDER holds tables as CSV files and a ``manifest.csv`` with the name, file, task and target of each. Runs for each table and
seed: ``full`` evaluates that many candidates on all folds and takes c CPU seconds; ``raced`` races its candidates and is
stopped after c / 2; ``half`` is the control, full evaluation that is stopped after c / 2. A quarter of the rows is held out,
and the final model of each run is scored on it (AUC for two classes, negative log loss for more, R2 for numbers); ``selection``
is the cross-validated score that the best candidate was chosen for. Runs that are in ``--out`` already are not made again.
Differences are in standard errors of the full run's best cross-validated score; less than a tenth of one is a tie.

``--simulate`` asks what racing would have made of recorded full runs (``--journals`` keeps them): which candidates would have
been stopped, after which fold. *CPU* is what would have been spent, as a share; *lost* how far the best candidate that is left
is below the best, in standard errors; *ten* how many of the best ten are left. Children of those that were stopped take part,
so it is a comparison of rules, and no forecast.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tables import read_table

TABLES = ["credit_g", "vehicle", "titanic", "concrete", "phoneme", "mammography"]
ARMS = ("full", "raced", "half")
METRICS = {"binary": "roc_auc", "multiclass": "neg_log_loss", "regression": "r2"}
SETTINGS = ("survivors", "contenders", "deviations", "promoted")  # of evoml.evaluation.racing
TIE = 0.1  # standard errors
BEST = 10  # candidates of a recorded run that should not be stopped


def run(folder: Path, name: str, budget: dict, racing: bool, seed: int, journal: Path | None = None) -> dict:
    """Make one run and return what it cost and found."""
    from sklearn.model_selection import train_test_split

    from evoml.components import load_catalogue
    from evoml.core.budget import Budget
    from evoml.core.dataset import read_dataset
    from evoml.evaluation.scoring import score
    from evoml.run import Search, search

    X, y, task = read_table(folder, name)
    classes = task != "regression"
    X, X_out, y, y_out = train_test_split(X, y, random_state=seed, stratify=y if classes else None)
    metric = METRICS[task]
    began, dataset = time.perf_counter(), read_dataset(X, y, "classification" if classes else "regression")
    found = search(
        Search(
            dataset,
            load_catalogue(),
            Budget(**budget),
            seed,
            scoring=metric,
            n_jobs=1,
            executor="process",
            eval_seconds=60,
            memory_limit=4 * 2**30,
            racing=racing,
            journal=journal,
        )
    )
    tried = found.individuals[found.individuals["duplicate_of"].isna()]
    best = found.best
    return {
        "cpu": found.finished.progress.cpu,
        "wall": time.perf_counter() - began,
        "statuses": {str(status): int(n) for status, n in tried["status"].value_counts().items()},
        "selection": best.scores[0] if best else float("nan"),
        "standard_error": standard_error(best.evaluation.fold_scores[metric]) if best else float("nan"),
        "held_out": score(found.model.pipeline, metric, dataset.features.layout.read(X_out), y_out),
        "model": found.model.text,
    }


def standard_error(values: Any) -> float:
    """Return the standard error of a mean over folds."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


# -- comparing --------------------------------------------------------------------------------------------------------


def report(results: list[dict], arms: list[str]) -> None:
    """Print each pair of runs, and what they say together."""
    runs = {(r["table"], r["seed"], r["arm"]): r for r in results}
    pairs = [(name, seed) for name, seed, arm in runs if arm == "full"]
    for arm in arms:
        print(
            f"\n{arm:12s} seed  CPU s full  {arm:>6s}  tried  stopped   selection full  - full, errors  held out - full"
        )
        chosen, held_out = [], []
        for name, seed in pairs:
            full, other = runs[name, seed, "full"], runs[name, seed, arm]
            error = full["standard_error"]
            chosen.append((other["selection"] - full["selection"]) / error)
            held_out.append((other["held_out"] - full["held_out"]) / error)
            tried = sum(other["statuses"].values())
            print(
                f"{name:12s} {seed:4d} {full['cpu']:11.0f} {other['cpu'] / full['cpu']:7.2f} {tried:6d}"
                f" {other['statuses'].get('PRUNED', 0) / tried:8.0%} {full['selection']:16.4f}"
                f" {chosen[-1]:+15.2f} {held_out[-1]:+16.2f}"
            )
        print(f"selection {verdict(chosen)}\nheld out  {verdict(held_out)}")


def verdict(differences: list[float]) -> str:
    """Return mean and median of paired differences, a bootstrap interval of the mean, and wins, ties and losses, in words."""
    values = np.array(differences)
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(10_000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    wins, losses = int(np.sum(values > TIE)), int(np.sum(values < -TIE))
    return (
        f"{values.mean():+.2f} errors (95 %: {low:+.2f} to {high:+.2f}), median {np.median(values):+.2f};"
        f" {wins} better, {len(values) - wins - losses} ties, {losses} worse"
    )


# -- simulating -------------------------------------------------------------------------------------------------------


class Recorded:
    """The space of a recorded run's candidates: their texts are their genomes."""

    operators: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, outcomes: list[Any]) -> None:
        self._complexity = {outcome.candidate.genome: -outcome.scores[1] for outcome in outcomes if outcome.ok}

    def complexity(self, genome: str) -> float:
        return self._complexity.get(genome, 0.0)


@dataclass(frozen=True)
class Simulated:
    """What racing would have made of a recorded run: its columns in the table."""

    cpu: float
    stopped: float
    lost: float
    ten: int


def simulate(path: Path, look_ahead: int) -> Simulated:
    """Race the candidates of a full NSGA-II run on score and complexity, each with ``look_ahead - 1`` others under way."""
    from evoml.algorithms import ALGORITHMS
    from evoml.evaluation import objectives
    from evoml.evaluation.racing import Racing
    from evoml.journal import Journal

    with Journal.read(path) as journal:
        settings, (_, outcomes) = journal.settings, journal.asked_and_told(str)
    metric, size, space = settings["scoring"][0], settings["population_size"], Recorded(outcomes)
    racing = Racing(objectives(["score", "complexity"], [metric], space), metric, settings["folds"], 0, size)
    algorithm = ALGORITHMS["nsga2"](space, 0, population_size=size)
    state, generation = algorithm.start(), 0  # the first outcome of the generation under way
    rivals, fates, spent = [algorithm.rivals(state)], {}, 0.0
    for number, outcome in enumerate(outcomes):
        known = rivals[max(number + 1 - look_ahead, generation)]
        fate, cost = raced(outcome, racing.bars(outcome.candidate, known), metric, fates)
        fates[outcome.candidate.id] = fate
        spent += cost
        before = state.generation
        state = algorithm.tell(state, [fate])
        generation = number + 1 if state.generation > before else generation
        rivals.append(algorithm.rivals(state))
    return summary(outcomes, fates, metric, spent)


def raced(outcome: Any, bars: tuple[float, ...], metric: str, fates: dict[int, Any]) -> tuple[Any, float]:
    """Return what would have become of a candidate, and its CPU seconds."""
    from evoml.core.candidate import Evaluation, Status

    stopped = replace(outcome, evaluation=Evaluation(Status.PRUNED), scores=())
    if outcome.duplicate_of is not None:
        return (outcome if fates[outcome.duplicate_of].ok or not outcome.ok else stopped), 0.0
    values, cpu = outcome.evaluation.fold_scores.get(metric, ()), outcome.evaluation.cost.cpu
    begun = len(values) if outcome.ok else len(values) + 1
    for seen, bar in enumerate(bars[: len(values)], 1):
        if np.mean(values[:seen]) < bar:
            return stopped, cpu * seen / begun
    return outcome, cpu


def summary(outcomes: list[Any], fates: dict[int, Any], metric: str, spent: float) -> Simulated:
    scored = [outcome for outcome in outcomes if outcome.ok and outcome.duplicate_of is None]
    best_first = sorted(scored, key=lambda outcome: -outcome.scores[0])
    left = [outcome for outcome in best_first if fates[outcome.candidate.id].ok]
    error = standard_error(best_first[0].evaluation.fold_scores[metric])
    return Simulated(
        cpu=spent / sum(outcome.evaluation.cost.cpu for outcome in outcomes),
        stopped=1 - len(left) / len(scored),
        lost=(best_first[0].scores[0] - left[0].scores[0]) / error,
        ten=sum(outcome in left for outcome in best_first[:BEST]),
    )


def show_simulated(paths: list[Path], look_ahead: int) -> None:
    print("journal               CPU  stopped   lost  ten")
    found = [simulate(path, look_ahead) for path in paths]
    for path, one in zip(paths, found, strict=True):
        print(f"{path.stem:20s} {one.cpu:4.2f} {one.stopped:8.0%} {one.lost:6.2f} {one.ten:4d}")
    mean = [np.mean([getattr(one, name) for one in found]) for name in ("cpu", "stopped", "lost", "ten")]
    print(f"{'mean':20s} {mean[0]:4.2f} {mean[1]:8.0%} {mean[2]:6.2f} {mean[3]:4.1f}")


# -- all --------------------------------------------------------------------------------------------------------------


def runs(chosen: argparse.Namespace, changed: dict[str, float]) -> list[dict]:
    """Return all runs that are wanted; those that were made before are read."""
    results = [json.loads(line) for line in chosen.out.read_text().splitlines()] if chosen.out.exists() else []

    def made(name: str, seed: int, arm: str, budget: dict) -> dict:
        key = {"table": name, "seed": seed, "arm": arm, "evaluations": chosen.evaluations}
        key["settings"] = changed if arm == "raced" else {}
        found = next((r for r in results if all(r[k] == v for k, v in key.items())), None)
        if found is None:
            journal = chosen.journals / f"{name}_{seed}_{arm}.db" if chosen.journals else None
            found = key | run(chosen.data, name, budget, arm == "raced", seed, journal)
            results.append(found)
            with chosen.out.open("a") as out:
                out.write(json.dumps(found) + "\n")
        return found

    shown = []
    for seed in chosen.seeds:
        for name in chosen.tables:
            full = made(name, seed, "full", {"evaluations": chosen.evaluations})
            shown.append(full)
            shown += [made(name, seed, arm, {"cpu_seconds": full["cpu"] / 2}) for arm in chosen.arms if arm != "full"]
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--out", type=Path, default=Path("racing.jsonl"))
    parser.add_argument("--journals", type=Path, help="folder for the journals of the runs")
    parser.add_argument("--simulate", type=Path, nargs="+", help="journals of full runs")
    parser.add_argument("--look-ahead", type=int, default=1, help="candidates under way at once in a simulation")
    for name in SETTINGS:
        parser.add_argument(f"--{name}", type=float, help="another value for this setting of evoml.evaluation.racing")
    chosen = parser.parse_args()
    from evoml.evaluation import racing as settings

    changed = {name: getattr(chosen, name) for name in SETTINGS if getattr(chosen, name) is not None}
    for name, value in changed.items():
        setattr(settings, name.upper(), value)
    warnings.simplefilter("ignore")
    if chosen.simulate:
        show_simulated(chosen.simulate, chosen.look_ahead)
        return 0
    if chosen.data is None:
        parser.error("give the folder of tables as --data, or journals to --simulate")
    report(runs(chosen, changed), [arm for arm in chosen.arms if arm != "full"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
