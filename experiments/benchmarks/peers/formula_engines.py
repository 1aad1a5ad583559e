"""Times Operon or gplearn on given formulas, in an environment that has them; called by ../formulas.py.

    python formula_engines.py '{"engine": "operon", "folder": ..., "what": "outputs", "threads": 1, "repeats": 3}'

Prints a line of JSON: CPU and wall seconds of each repeat, nodes, and outputs of the first formulas for a comparison.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np


class Operon:
    """Trees from infix text; outputs of all in one call, fitness by one call a tree."""

    def __init__(self, features: np.ndarray, target: np.ndarray, texts: dict) -> None:
        import pyoperon

        self.operon, self.rows = pyoperon, pyoperon.Range(0, len(target))
        self.table = np.asfortranarray(np.vstack([features, target[None]]).T)  # Operon reads it, but does not keep it
        self.data = pyoperon.Dataset(self.table)
        variables = self.data.Variables
        self.target = variables[-1].Name
        hashes = {variable.Name: variable.Hash for variable in variables}
        self.trees = [pyoperon.InfixParser.Parse(text, hashes) for text in texts["infix"]]
        self.nodes = sum(tree.Length for tree in self.trees)
        self.out = np.zeros((len(self.trees), len(target)), np.float32)

    def outputs(self, threads: int) -> None:
        self.operon.EvaluateTrees(self.trees, self.data, self.rows, self.out, threads)

    def fitness(self, threads: int) -> None:
        for tree in self.trees:
            self.operon.CalculateFitness(tree, self.data, self.rows, self.target, "mse")


class Gplearn:
    """Programs as lists in prefix order; its division and logarithm are protected ones."""

    def __init__(self, features: np.ndarray, target: np.ndarray, texts: dict) -> None:
        from gplearn.functions import _function_map, make_function
        from sklearn.metrics import mean_squared_error

        own = {name: _function_map[name] for name in ("add", "sub", "mul", "div", "log", "sin", "cos")}
        own["exp"] = make_function(function=np.exp, name="exp", arity=1, wrap=False)
        self.error, self.target = mean_squared_error, target
        self.X = np.ascontiguousarray(features.T)
        self.programs = [self._program(words, own) for words in texts["prefix"]]
        self.nodes = sum(len(program.program) for program in self.programs)
        self.out = np.zeros((len(self.programs), len(target)), np.float32)

    def _program(self, words: list, own: dict) -> object:
        from gplearn._program import _Program

        nodes = [own.get(word, word) for word in words]
        nodes = [int(word[1:]) if isinstance(word, str) else word for word in nodes]
        settings = {
            "init_depth": (2, 6),
            "init_method": "grow",
            "const_range": None,
            "metric": None,
            "p_point_replace": 0.1,
        }
        settings |= {"parsimony_coefficient": 0.0, "random_state": np.random.RandomState(0)}
        arities: dict = {}
        return _Program(list(own.values()), arities, n_features=self.X.shape[1], program=nodes, **settings)

    def outputs(self, threads: int) -> None:
        with np.errstate(all="ignore"):
            for i, program in enumerate(self.programs):
                self.out[i] = program.execute(self.X)

    def fitness(self, threads: int) -> None:
        with np.errstate(all="ignore"):
            for program in self.programs:
                self.error(self.target, program.execute(self.X))


def main() -> None:
    wanted = json.loads(sys.argv[1])
    folder = Path(wanted["folder"])
    table = np.load(folder / "table.npz")
    texts = json.loads((folder / f"{wanted['formulas']}.json").read_text())
    engine = {"operon": Operon, "gplearn": Gplearn}[wanted["engine"]](table["features"], table["target"], texts)
    work = getattr(engine, wanted["what"])
    work(wanted["threads"])
    cpu, wall = [], []
    for _ in range(wanted["repeats"]):
        began = time.process_time(), time.perf_counter()
        work(wanted["threads"])
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    np.save(folder / "outputs.npy", engine.out[:50])
    print(json.dumps({"cpu": cpu, "wall": wall, "nodes": engine.nodes}))


if __name__ == "__main__":
    main()
