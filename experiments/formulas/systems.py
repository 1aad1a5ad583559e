"""The systems that are compared, each as ``fit(X, y, names, seconds, seed) -> Found``; one process serves one system.

As a program (``systems.py NAME``) it reads one task a line from stdin, as JSON, and writes one result a line to stdout.
Seconds are CPU seconds of one thread: what Operon is bounded by is wall time, so that its bound is made longer by the share
of the machine that it had in its last fit.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

FUNCTIONS = ("exp", "log", "sin", "cos", "tanh", "sqrt", "square")


@dataclass(frozen=True)
class Found:
    """A formula as text, its length, how it predicts, and what it cost."""

    text: str
    length: float
    predict: Any
    cpu: float
    generations: int


class Evoml:
    """Ours, with its defaults."""

    name = "evoml"

    def __init__(self) -> None:
        self.fit(np.random.default_rng(0).uniform(1, 2, (50, 1)), np.arange(50.0), ["x"], 0.5, 0)  # compiled now

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Found:
        from evoml import SymbolicRegressor

        began = time.process_time()
        model = SymbolicRegressor(cpu_seconds=seconds, random_state=seed, feature_names=names).fit(X, y)
        chosen = model.front_["chosen"].to_numpy().argmax()
        text = str(model.to_sympy())
        length = float(model.front_["complexity"].iloc[chosen])
        return Found(text, length, model.predict, time.process_time() - began, len(model.history_))


class Operon:
    """pyoperon, with the settings of its authors' entry to SRBench: NSGA-II on R2 and length, local search for all."""

    name = "operon"

    def __init__(self) -> None:
        self._slowness = 1.0

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Found:
        from pyoperon.sklearn import SymbolicRegressor

        began, began_wall = time.process_time(), time.perf_counter()
        model = SymbolicRegressor(
            allowed_symbols=",".join(("add", "sub", "mul", "div", *FUNCTIONS, "constant", "variable")),
            objectives=["r2", "length"],
            optimizer_iterations=5,
            population_size=1000,
            max_length=50,
            generations=10**9,
            max_evaluations=10**12,
            model_selection_criterion="mean_squared_error",
            max_time=max(1, round(seconds * self._slowness)),
            n_threads=1,
            random_state=seed,
        ).fit(X, y)
        cpu = time.process_time() - began
        self._slowness = (time.perf_counter() - began_wall) / cpu
        text = model.get_model_string(model.model_, 17, names).replace("^", "**")
        return Found(text, model.stats_["model_length"], model.predict, cpu, model.stats_["generations"])


class Gplearn:
    """gplearn with the same functions, as many generations as fit into the time."""

    name = "gplearn"

    def fit(self, X: np.ndarray, y: np.ndarray, names: list[str], seconds: float, seed: int) -> Found:
        from gplearn.functions import make_function
        from gplearn.genetic import SymbolicRegressor

        def exponential(x: np.ndarray) -> np.ndarray:
            return np.exp(np.minimum(x, 50.0))

        began = time.process_time()
        functions = ("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos")
        model = SymbolicRegressor(
            population_size=1000,
            function_set=(*functions, make_function(function=exponential, name="exp", arity=1)),
            generations=1,
            warm_start=True,
            stopping_criteria=1e-12,
            metric="mse",
            random_state=seed,
        ).fit(X, y)
        while time.process_time() - began < seconds and model._program.raw_fitness_ > 1e-12:
            model.set_params(generations=model.generations + 1).fit(X, y)
        return Found(str(model._program), len(model._program.program), model.predict, time.process_time() - began,
                     model.generations)  # fmt: skip


SYSTEMS = {system.name: system for system in (Evoml, Operon, Gplearn)}


def main() -> None:
    sys.path.insert(0, __file__.rpartition("/")[0])
    from problems import Problem

    system = SYSTEMS[sys.argv[1]]()
    for line in sys.stdin:
        task = json.loads(line)
        problem = Problem(**task["problem"])
        X, y = problem.table(task["seed"], task["noise"])
        found = system.fit(X, y, list(problem.ranges), task["seconds"], task["seed"])
        X_new, _ = problem.table(10_000 + task["seed"])
        truth = problem.values(X_new)
        with np.errstate(all="ignore"):
            error = float(np.mean((found.predict(X_new) - truth) ** 2) / truth.var())
        result = {
            "text": found.text,
            "length": found.length,
            "error": error,
            "cpu": found.cpu,
            "gens": found.generations,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
