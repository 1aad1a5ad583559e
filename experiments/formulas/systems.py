"""The systems that are compared, each as ``fit(X, y, names, seconds, seed) -> Fit``; one process serves one system.

As a program (``systems.py NAME``) it reads one task a line from stdin, as JSON, and writes one result a line to stdout.
Seconds are CPU seconds of one thread for all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# SRBench's entry, and one that weighs errors against length.
OPERON_CHOICES = {"": "mean_squared_error", "bic": "bayesian_information_criterion"}
ARITHMETIC = ("add", "sub", "mul", "div")
FUNCTIONS = ("exp", "log", "sin", "cos", "tanh", "sqrt", "square")


@dataclass(frozen=True)
class Found:
    """A formula as text, how it was chosen from the front, its length as the system counts, and how it predicts."""

    choice: str
    text: str
    length: float
    predict: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fit:
    """What a system found, the formula it would choose itself first, and what that cost."""

    found: list[Found]
    cpu: float
    generations: int


class Evoml:
    """Ours, with its defaults but for the operations, which are the same for all."""

    name = "evoml"

    def __init__(self) -> None:
        self.fit(np.random.default_rng(0).uniform(1, 2, (50, 1)), np.arange(50.0), ["x"], 0.5, 0)  # compiled now

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Fit:
        from evoml import SymbolicRegressor

        began = time.process_time()
        model = SymbolicRegressor(
            function_set=(*ARITHMETIC, *FUNCTIONS), cpu_seconds=seconds, random_state=seed, feature_names=names
        ).fit(X, y)
        cpu = time.process_time() - began
        chosen = {"": int(model.front_["chosen"].to_numpy().argmax()), "best": len(model.front_) - 1}
        found = [
            Found(choice, str(model.to_sympy(at)), float(model.front_["complexity"].iloc[at]), _predict(model, at))
            for choice, at in chosen.items()
        ]
        return Fit(found, cpu, len(model.history_))


def _predict(model: Any, at: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda X: model.with_formula(at).predict(X)


class Operon:
    """pyoperon, with the settings of its authors' entry to SRBench: NSGA-II on R2 and length, local search for all.

    Its own bound is on wall time. Here an error in its report after each generation ends it at its CPU time, with the front of
    the generation before.
    """

    name = "operon"

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Fit:
        import pyoperon
        from pyoperon.sklearn import SymbolicRegressor

        began = time.process_time()
        search = pyoperon.NSGA2Algorithm

        class Bounded(search):  # type: ignore[misc, valid-type]
            def Run(self, rng: Any, callback: Any, threads: int, warm_start: bool) -> None:
                def report() -> None:
                    if time.process_time() - began > seconds:
                        raise TimeoutError

                super().Run(rng, report, threads, warm_start)

        pyoperon.NSGA2Algorithm = Bounded
        try:
            model = SymbolicRegressor(
                allowed_symbols=",".join((*ARITHMETIC, *FUNCTIONS, "constant", "variable")),
                objectives=["r2", "length"],
                optimizer_iterations=5,
                population_size=1000,
                max_length=50,
                generations=10**9,
                max_evaluations=10**12,
                model_selection_criterion="mean_squared_error",
                n_threads=1,
                random_state=seed,
            ).fit(X, y)
        finally:
            pyoperon.NSGA2Algorithm = search
        cpu = time.process_time() - began
        chosen = {
            choice: min(model.pareto_front_, key=lambda one, by=by: one[by])  # type: ignore[misc]
            for choice, by in OPERON_CHOICES.items()
        }
        found = [
            Found(
                choice,
                model.get_model_string(one["tree"], 17, names).replace("^", "**"),
                one["length"],
                lambda X, tree=one["tree"]: model.evaluate_model(tree, X),  # type: ignore[misc]
            )
            for choice, one in chosen.items()
        ]
        return Fit(found, cpu, model.stats_["generations"])


class Gplearn:
    """gplearn with the same functions, as many generations as fit into the time."""

    name = "gplearn"

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Fit:
        from gplearn.functions import make_function
        from gplearn.genetic import SymbolicRegressor

        def exponential(x: np.ndarray) -> np.ndarray:
            return np.exp(np.minimum(x, 50.0))

        began = time.process_time()
        functions = (*ARITHMETIC, "sqrt", "log", "sin", "cos")
        model = SymbolicRegressor(
            population_size=1000,
            function_set=(*functions, make_function(function=exponential, name="exp", arity=1)),
            generations=1,
            warm_start=True,
            stopping_criteria=1e-12,
            metric="mse",
            feature_names=names,
            random_state=seed,
        ).fit(X, y)
        while time.process_time() - began < seconds and model._program.raw_fitness_ > 1e-12:
            model.set_params(generations=model.generations + 1).fit(X, y)
        program = model._program
        return Fit(
            [Found("", str(program), len(program.program), model.predict)],
            time.process_time() - began,
            model.generations,
        )


SYSTEMS = {system.name: system for system in (Evoml, Operon, Gplearn)}


def main() -> None:
    sys.path.insert(0, __file__.rpartition("/")[0])
    from problems import Problem

    system = SYSTEMS[sys.argv[1]]()
    for line in sys.stdin:
        task = json.loads(line)
        problem = Problem(**task["problem"])
        X, y, X_test, y_test = problem.split(task["seed"], task["noise"])
        fit = system.fit(X, y, list(problem.ranges), task["seconds"], task["seed"])
        rows = []
        for one in fit.found:
            with np.errstate(all="ignore"):
                error = float(np.mean((one.predict(X_test) - y_test) ** 2) / y_test.var())
            rows.append({"choice": one.choice, "text": one.text, "length": one.length, "error": error})
        print(json.dumps([{**row, "cpu": fit.cpu, "gens": fit.generations} for row in rows]), flush=True)


if __name__ == "__main__":
    main()
