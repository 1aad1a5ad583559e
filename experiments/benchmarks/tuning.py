"""Local search over hyperparameters beside Optuna's samplers and random steps; and whole searches with it and without.

    python experiments/benchmarks/tuning.py --data FOLDER --measured FILE --measure [--tables NAME ...] [--cpu-seconds 40]
    python experiments/benchmarks/tuning.py --data FOLDER --measured FILE [--samplers tune perturb ...] [--seeds 10]
    python experiments/benchmarks/tuning.py --data FOLDER --searches [--evaluations 200] [--seeds 3] [--out searches.jsonl]

FOLDER holds tables as CSV files and a ``manifest.csv`` with the name, file, task and target of each. ``--measure`` evaluates
settings of four structures on each table by five folds, at random and around the best, and writes them to FILE. A forest
fitted on them then stands for the real thing (Eggensperger et al. 2015), so that every sampler makes 60 evaluations for
many seeds: the default and nine more that are the same for all, then its own. *Regret* is what is missing to the best that any
sampler found, as a share of what that is better than the default; *rank* is among the samplers after the last evaluation.
``optuna-tpe``, ``optuna-tpe-joint`` and ``optuna-gp`` need Optuna, the last one PyTorch too.

``--searches`` compares whole runs of evolution with and without the operator ``tune``, by the best selection score.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import read_table

TABLES = ["sonar", "titanic", "vehicle", "concrete", "credit_g", "hill_valley_noise"]
METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}
STRUCTURES = {
    "classification": {
        "boosting": "BoostingClassifier(features)",
        "svm": "SVC(StandardScaler(features))",
        "kernel": "LogisticRegression(Nystroem(StandardScaler(features)))",
        "network": "MLPClassifier(StandardScaler(features))",
    },
    "regression": {
        "boosting": "BoostingRegressor(features)",
        "svm": "SVR(StandardScaler(features))",
        "kernel": "Ridge(Nystroem(StandardScaler(features)))",
        "network": "MLPRegressor(StandardScaler(features))",
    },
}
START, END, SHOWN = 10, 60, (20, 30, 40, 60)  # evaluations
TOURNAMENT = 10
MEASURED = 400  # settings of a structure, at most
LEAST = 60  # settings for a forest


def parts_of(folder: Path, name: str, **settings: Any) -> Any:
    """Return the parts of a search on a table, and its metric and task."""
    from evoml.components import load_catalogue
    from evoml.core.budget import Budget
    from evoml.core.dataset import read_dataset
    from evoml.run.parts import put_together
    from evoml.run.search import Search

    X, y, kind = read_table(folder, name)
    task = "regression" if kind == "regression" else "classification"
    wanted = Search(
        read_dataset(X, y, task),
        load_catalogue(),
        Budget(evaluations=settings.pop("evaluations", 1)),
        scoring=METRICS[kind],
        **{"seed": 0, "racing": False, **settings},
    )
    return wanted, put_together(wanted), task


# -- settings ---------------------------------------------------------------------------------------------------------


class Settings:
    """The hyperparameters of one structure in a space."""

    def __init__(self, space: Any, text: str) -> None:
        from evoml.genomes.pipeline_tree.tree import is_value

        self.space, self.default = space, space.adapted(text)
        self.places = [index for index, node in enumerate(self.default) if is_value(node)]
        self.kinds = [space.grammar.hyperparameter(self.default[index].ret) for index in self.places]

    def tree(self, values: Sequence[Any]) -> Any:
        from deap import gp

        tree = type(self.default)(self.default)
        for index, value in zip(self.places, values, strict=True):
            tree[index] = gp.Terminal(value, False, tree[index].ret)
        return tree

    def random(self, rng: np.random.Generator, default: float = 0.0) -> Any:
        """Return a tree of random values, some of them the default."""
        while True:
            tree = self.tree([k.default if rng.random() < default else k.sample(rng) for k in self.kinds])
            if self.space.within_limits(tree):
                return tree

    def row(self, tree: Any) -> list[float]:
        """Return active values as numbers."""
        from evoml.genomes.pipeline_tree.tuning import structure_and_values

        active = {(part, name): v for (part, _, name), v in structure_and_values(tree, self.space.catalogue)[1].items()}
        row = []
        for index, kind in zip(self.places, self.kinds, strict=True):
            place = tree[index].ret.part, tree[index].ret.hyperparameter
            code = getattr(kind, "position", None) or kind.share
            row.append(float(code(active[place])) if place in active else -1.0)
        return row


def measure(folder: Path, name: str, cpu_seconds: float, out: Path) -> None:
    """Evaluate settings of each structure on a table, at random and around the best, and write them down."""
    from evoml.core.random import stream
    from evoml.evaluation.executors.serial import SerialExecutor

    wanted, parts, task = parts_of(folder, name)
    executor = SerialExecutor(parts.problem)
    for structure, text in STRUCTURES[task].items():
        settings, began = Settings(parts.space, text), time.process_time()
        scores: dict[str, tuple[float, Any]] = {}
        for number in range(MEASURED):
            if time.process_time() - began > cpu_seconds:
                break
            tree = _next(settings, scores, stream(7, number)) if number else settings.default
            key = parts.space.key(tree)
            executor.submit(number, str(tree))
            ((_, evaluation),) = executor.completed()
            values = evaluation.fold_scores.get(wanted.scoring, ())
            if key in scores or not values:
                continue
            scores[key] = float(np.mean(values)), tree
            found = {"table": name, "structure": structure, "text": str(tree), "score": scores[key][0]}
            with out.open("a") as lines:
                lines.write(json.dumps(found) + "\n")


def _next(settings: Settings, scores: dict[str, tuple[float, Any]], rng: np.random.Generator) -> Any:
    if len(scores) < 30 or rng.random() < 0.5:
        return settings.random(rng)
    best = sorted(scores.values(), key=lambda pair: -pair[0])[:15]
    tree = best[rng.integers(len(best))][1]
    for _ in range(rng.integers(1, 4)):
        (tree,) = settings.space.vary(["perturb"], [[tree]], [rng])
    return tree


class Surrogate:
    """A forest in place of evaluations."""

    def __init__(self, settings: Settings, measured: list[dict]) -> None:
        from sklearn.ensemble import ExtraTreesRegressor

        self.settings = settings
        rows = [settings.row(settings.space.parse(one["text"])) for one in measured]
        scores = np.array([one["score"] for one in measured])
        worst = np.quantile(scores, 0.02)  # a few that went astray shall not be all there is to learn
        forest = ExtraTreesRegressor(150, min_samples_leaf=2, random_state=0).fit(rows, np.maximum(scores, worst))
        self._trees = [one.tree_ for one in forest.estimators_]

    def __call__(self, tree: Any) -> float:
        row = np.array([self.settings.row(tree)], dtype=np.float32)
        return float(np.mean([one.predict(row)[0, 0] for one in self._trees]))


# -- samplers ---------------------------------------------------------------------------------------------------------

Told = list[tuple[Any, float]]
Sampler = Callable[[Settings, Told, np.random.Generator], Any]


def by_operator(name: str) -> Sampler:
    """Return the sampler that varies the winner of a tournament."""
    from evoml.core import Trial

    def sampler(settings: Settings, told: Told, rng: np.random.Generator) -> Any:
        parent = max((told[i] for i in rng.integers(len(told), size=TOURNAMENT)), key=lambda pair: pair[1])[0]
        trials = [Trial(tree, settings.space.key(tree), score) for tree, score in told]
        return settings.space.vary([name], [[parent]], [rng], trials)[0]

    return sampler


def at_random(settings: Settings, told: Told, rng: np.random.Generator) -> Any:
    return settings.random(rng)


def by_optuna(make: Callable[[Any, int], Any]) -> Sampler:
    """Return a sampler of Optuna's: its study is told everything, and asked for values in the order of the structure."""
    studies: dict[int, Any] = {}

    def sampler(settings: Settings, told: Told, rng: np.random.Generator) -> Any:
        import optuna

        if len(told) == START:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            study = optuna.create_study(direction="maximize", sampler=make(optuna, int(rng.integers(2**31))))
            studies.clear()
            studies[id(told)] = study, None
            for tree, score in told:
                study.add_trial(_recorded(optuna, settings, tree, score))
        study, asked = studies[id(told)]
        if asked is not None:
            study.tell(asked, told[-1][1])
        trial = study.ask({f"{at}": _distribution(optuna, kind) for at, kind in enumerate(settings.kinds)})
        studies[id(told)] = study, trial
        return settings.tree([_value(kind, trial.params[f"{at}"]) for at, kind in enumerate(settings.kinds)])

    return sampler


def _distribution(optuna: Any, kind: Any) -> Any:
    of = optuna.distributions
    if hasattr(kind, "choices"):
        return of.CategoricalDistribution(tuple(range(len(kind.choices))))
    make = of.IntDistribution if isinstance(kind.low, int) else of.FloatDistribution
    return make(kind.low, kind.high, log=kind.scale == "log")


def _value(kind: Any, value: Any) -> Any:
    return kind.choices[value] if hasattr(kind, "choices") else kind.clip(value)


def _recorded(optuna: Any, settings: Settings, tree: Any, score: float) -> Any:
    values = [tree[index].value for index in settings.places]
    pairs = list(enumerate(zip(settings.kinds, values, strict=True)))
    return optuna.trial.create_trial(
        params={f"{at}": k.position(v) if hasattr(k, "choices") else v for at, (k, v) in pairs},
        distributions={f"{at}": _distribution(optuna, k) for at, (k, _) in pairs},
        value=score,
    )


SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "random": lambda: at_random,
    "perturb": lambda: by_operator("perturb"),
    "tune": lambda: by_operator("tune"),
    "optuna-tpe": lambda: by_optuna(lambda o, seed: o.samplers.TPESampler(seed=seed, multivariate=False)),
    "optuna-tpe-joint": lambda: by_optuna(lambda o, seed: o.samplers.TPESampler(seed=seed, multivariate=True)),
    "optuna-gp": lambda: by_optuna(lambda o, seed: o.samplers.GPSampler(seed=seed)),
}


def sampled(sampler: Sampler, surrogate: Surrogate, seed: int) -> np.ndarray:
    """Return the best score so far after each evaluation."""
    start, rng = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    settings = surrogate.settings
    trees = [settings.default, *(settings.random(start, default=0.5) for _ in range(START - 1))]
    told = [(tree, surrogate(tree)) for tree in trees]
    while len(told) < END:
        tree = sampler(settings, told, rng)
        told.append((tree, surrogate(tree)))
    return np.maximum.accumulate([score for _, score in told])


def compare(folder: Path, measured: Path, names: list[str], seeds: int) -> None:
    """Print regret and rank of each sampler, for each structure and for all."""
    groups = defaultdict(list)
    for line in measured.read_text().splitlines():
        one = json.loads(line)
        if one["score"] is not None:
            groups[one["table"], one["structure"]].append(one)
    samplers = {name: SAMPLERS[name]() for name in names}
    regrets, ranks, seconds = defaultdict(list), defaultdict(list), dict.fromkeys(names, 0.0)
    for (table, structure), rows in groups.items():
        if len(rows) < LEAST:
            continue
        _, parts, task = parts_of(folder, table)
        surrogate = Surrogate(Settings(parts.space, STRUCTURES[task][structure]), rows)
        found = {}
        for name, sampler in samplers.items():
            began = time.process_time()
            found[name] = np.array([sampled(sampler, surrogate, seed) for seed in range(seeds)])
            seconds[name] += (time.process_time() - began) / seeds / (END - START)
        top, base = max(best.max() for best in found.values()), surrogate(surrogate.settings.default)
        for name, best in found.items():
            regrets[name, structure].append((top - best.mean(axis=0)) / max(top - base, 1e-9))
            others = np.array([other[:, -1] for other in found.values()])
            ranks[name].append(np.mean(1 + (others > best[:, -1]).sum(0) + ((others == best[:, -1]).sum(0) - 1) / 2))
    show(names, regrets, ranks, seconds, seeds)


def show(names: list[str], regrets: Any, ranks: Any, seconds: dict[str, float], seeds: int) -> None:
    structures = list(dict.fromkeys(structure for _, structure in regrets))
    count = len(ranks[names[0]])
    print(f"{count} problems, {seeds} seeds; mean regret after evaluations, after {END} for each structure, mean rank")
    head = "".join(f"{f'@{at}':>8}" for at in SHOWN) + "".join(f"{name:>10}" for name in structures)
    print(f"{'':18}{head}{'rank':>7}{'ms':>7}")
    for name in names:
        every = np.concatenate([regrets[name, structure] for structure in structures])
        cells = "".join(f"{every[:, at - 1].mean():8.3f}" for at in SHOWN)
        cells += "".join(f"{np.mean(regrets[name, structure], axis=0)[-1]:10.3f}" for structure in structures)
        print(f"{name:18}{cells}{np.mean(ranks[name]):7.2f}{seconds[name] / count * 1000:7.1f}")


# -- whole searches ---------------------------------------------------------------------------------------------------


def searched(folder: Path, name: str, seed: int, tuned: bool, evaluations: int) -> dict:
    """Make one run of evolution in this process, with the operator or without it, and return what it found."""
    from evoml.genomes.pipeline_tree import PipelineSpace
    from evoml.run.search import search

    wanted, _, _ = parts_of(
        folder, name, seed=seed, evaluations=evaluations, racing=True, executor="serial", eval_seconds=20.0
    )
    operators = PipelineSpace.operators
    if not tuned:
        PipelineSpace.operators = {key: count for key, count in operators.items() if key != "tune"}
    try:
        found = search(wanted)
    finally:
        PipelineSpace.operators = operators
    tried = found.individuals[found.individuals["duplicate_of"].isna()]
    folds = np.array(found.best.evaluation.fold_scores[wanted.scoring])
    return {
        "table": name,
        "seed": seed,
        "tuned": tuned,
        "evaluations": evaluations,
        "score": found.best.scores[0],
        "standard_error": float(np.std(folds, ddof=1) / np.sqrt(len(folds))),
        "cpu": found.finished.progress.cpu,
        "operators": {str(key): int(count) for key, count in tried["operator"].value_counts().items()},
        "best_by": str(found.individuals.loc[found.best.candidate.id, "operator"]),
    }


def searches(folder: Path, tables: list[str], seeds: int, evaluations: int, out: Path) -> None:
    """Make pairs of runs, those in ``out`` already not again, and print them."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    runs = {(r["table"], r["seed"], r["tuned"]): r for r in done if r["evaluations"] == evaluations}
    print(f"{'table':18} seed  without     with  difference in standard errors  tuned  best by      CPU s")
    differences = []
    for seed in range(seeds):
        for name in tables:
            for tuned in (False, True):
                if (name, seed, tuned) not in runs:
                    runs[name, seed, tuned] = searched(folder, name, seed, tuned, evaluations)
                    with out.open("a") as lines:
                        lines.write(json.dumps(runs[name, seed, tuned]) + "\n")
            without, with_ = runs[name, seed, False], runs[name, seed, True]
            differences.append((with_["score"] - without["score"]) / without["standard_error"])
            print(
                f"{name:18} {seed:4d} {without['score']:8.4f} {with_['score']:8.4f} {differences[-1]:+30.2f}"
                f" {with_['operators'].get('tune', 0):6d}  {with_['best_by']:8} {without['cpu']:5.0f} {with_['cpu']:5.0f}",
                flush=True,
            )
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    print(f"mean {np.mean(differences):+.2f}, median {np.median(differences):+.2f}; {wins} better, {losses} worse")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--measured", type=Path, default=Path("measured.jsonl"))
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--cpu-seconds", type=float, default=40.0, help="for each structure on each table")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=["random", "perturb", "tune"])
    parser.add_argument("--searches", action="store_true")
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--out", type=Path, default=Path("searches.jsonl"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.measure:
        for name in chosen.tables:
            measure(chosen.data, name, chosen.cpu_seconds, chosen.measured)
    elif chosen.searches:
        searches(chosen.data, chosen.tables, chosen.seeds or 3, chosen.evaluations, chosen.out)
    else:
        compare(chosen.data, chosen.measured, chosen.samplers, chosen.seeds or 10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
