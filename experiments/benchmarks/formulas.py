"""Node evaluations per second of evoml's machine of formulas beside Operon and gplearn: same trees, same rows, same run.

    python experiments/benchmarks/formulas.py [--formulas 1000] [--rows 10000] [--nodes 20] [--repeats 5]
    python experiments/benchmarks/formulas.py --parts threads
    python experiments/benchmarks/formulas.py --parts search [--jobs 1 2 4]

A node evaluation is one node of a formula on one row. Systems take turns; figures are medians over the repeats, each the best
of three, in G (1e9) per CPU-second, and for threads per second of the clock. Formulas are finite on every row, so that none is
left early. Operon (pyoperon) and gplearn are installed into an environment of their own the first time (``--peer PATH``,
default ~/.cache/evoml-peers/formulas). The second part says where the limit is: the same formulas with other sizes of blocks,
and single operations beside a plain loop. The third, which takes a minute, is what a second thread of the machine gains; the
fourth, another one, how long whole searches take with several numbers of threads (``--jobs``). Both need no peers, and nothing
else should run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
from peer import ask, environment

from evoml.kernels.expression_codes import ARITY, CONSTANT, FIRST_UNARY, NAMES, VARIABLE
from evoml.kernels.expression_evaluate import OUTPUTS, evaluate, formulas_on_table
from evoml.kernels.expression_fitness import MSE, R2, score

LANGUAGES = {
    "arithmetic": ["add", "sub", "mul", "div"],
    "transcendental": ["add", "sub", "mul", "div", "exp", "log", "sin", "cos"],
}
N_FEATURES, CHUNK, ROOM, TIMES = 10, 100, 64, 3
SECONDS_OF_TURN = 0.4  # of one thread, between which one and two threads take turns
GENERATIONS = 100  # of a whole search
PEER = Path.home() / ".cache" / "evoml-peers" / "formulas"
PEERS = ("pyoperon==0.6.2", "gplearn==0.4.3")
RUNNER = Path(__file__).with_name("peers") / "formula_engines.py"
_NAME_OF = {code: name for name, code in NAMES.items()}

Formulas = tuple[np.ndarray, np.ndarray, np.ndarray]


# -- formulas, and how the peers read them --------------------------------------------------------------------------------


def make_formulas(language: list[str], n: int, size: int, features: np.ndarray, seed: int = 0) -> Formulas:
    """Random trees of ``size`` nodes, about, whose outputs are finite on all rows in float32."""
    rng, kept = np.random.default_rng(seed), []
    while len(kept) < n:
        codes, constants = np.zeros((n, ROOM), np.int32), np.zeros((n, ROOM))
        lengths = np.zeros(n, np.int32)
        for i in range(n):
            nodes = _grown(rng, [NAMES[name] for name in language], size)
            lengths[i] = len(nodes)
            codes[i, : len(nodes)], constants[i, : len(nodes)] = zip(*nodes, strict=True)
        out = np.empty((n, features.shape[1]), np.float32)
        evaluate(codes, constants, lengths, features, 0, n, out)
        kept += [(codes[i], constants[i], lengths[i]) for i in range(n) if np.abs(out[i]).max() < 1e15]
    codes, constants, lengths = zip(*kept[:n], strict=True)
    return np.array(codes), np.array(constants), np.array(lengths, np.int32)


def _grown(rng: np.random.Generator, operations: list[int], size: int) -> list[tuple[int, float]]:
    unary = [code for code in operations if ARITY[code] == 1]
    binary = [code for code in operations if ARITY[code] == 2]
    if size <= 1 or (size == 2 and not unary):
        if rng.random() < 0.2:
            return [(CONSTANT, round(float(rng.uniform(-2, 2)), 4))]
        return [(VARIABLE + int(rng.integers(N_FEATURES)), 0.0)]
    if unary and (size == 2 or rng.random() < 0.25):
        return [(int(rng.choice(unary)), 0.0), *_grown(rng, operations, size - 1)]
    left = int(rng.integers(1, size - 1))
    operands = _grown(rng, operations, left) + _grown(rng, operations, size - 1 - left)
    return [(int(rng.choice(binary)), 0.0), *operands]


def texts(formulas: Formulas) -> dict[str, list]:
    """The formulas as infix text and as lists in prefix order: names, numbers, and "x3" for a column."""
    found: dict[str, list] = {"infix": [], "prefix": []}
    for codes, constants, length in zip(*formulas, strict=True):
        stack, words = [], []
        for code, constant in zip(codes[:length][::-1].tolist(), constants[:length][::-1].tolist(), strict=True):
            if code >= VARIABLE:
                words.append(f"x{code - VARIABLE}")
                stack.append(f"X{code - VARIABLE + 1}")
            elif code == CONSTANT:
                words.append(constant)
                stack.append(f"({constant:.4f})")
            elif code >= FIRST_UNARY:
                words.append(_NAME_OF[code])
                stack.append(f"{_NAME_OF[code]}({stack.pop()})")
            else:
                words.append(_NAME_OF[code])
                stack.append(f"({stack.pop()} {'+-*/'[code]} {stack.pop()})")
        found["infix"] += stack
        found["prefix"].append(words[::-1])
    return found


# -- the systems ----------------------------------------------------------------------------------------------------------


class Ours:
    """evoml's machine, in this process."""

    def __init__(self, formulas: Formulas, features: np.ndarray, target: np.ndarray) -> None:
        self.formulas, self.features, self.target = formulas, features, target
        n = len(formulas[2])
        self.out, self.weights = np.empty((n, len(target)), target.dtype), np.ones_like(target)
        self.found = np.empty(n), np.empty((n, 2)), np.empty(n, np.uint64)

    def outputs(self, first: int, last: int) -> None:
        evaluate(*self.formulas, self.features, first, last, self.out)

    def fitness(self, first: int, last: int) -> None:
        score(*self.formulas, self.features, self.target, self.weights, MSE, False, first, last, *self.found)

    def scaled(self, first: int, last: int) -> None:
        score(*self.formulas, self.features, self.target, self.weights, R2, True, first, last, *self.found)

    def passes(self, what: str, threads: int, times: int) -> float:
        """Wall seconds of all formulas, so many times over."""
        work, n = getattr(self, what), len(self.formulas[2])
        firsts = [first for _ in range(times) for first in range(0, n, CHUNK)]
        with ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            list(pool.map(lambda first: work(first, min(first + CHUNK, n)), firsts))
            return time.perf_counter() - began

    def run(self, what: str, threads: int) -> tuple[float, float]:
        """CPU and wall seconds of all formulas, in chunks: the least of three times, as for the peers."""
        work, n = getattr(self, what), len(self.formulas[2])
        firsts, cpu, wall = range(0, n, CHUNK), [], []
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(TIMES):
                began = time.process_time(), time.perf_counter()
                list(pool.map(lambda first: work(first, min(first + CHUNK, n)), firsts))
                cpu.append(time.process_time() - began[0])
                wall.append(time.perf_counter() - began[1])
        return min(cpu), min(wall)


def peer(python: Path, folder: Path, **wanted: object) -> dict:
    """Run a peer in its own environment."""
    return ask(str(wanted["engine"]), python, RUNNER, {"folder": str(folder), **wanted}, timeout=1800)


# -- the parts -------------------------------------------------------------------------------------------------------------


def compare(
    language: str, formulas: Formulas, features: np.ndarray, target: np.ndarray, python: Path, repeats: int
) -> None:
    """Print a row for each system and kind of work."""
    evaluations = int(formulas[2].sum()) * len(target) / 1e9
    machines = {
        "evoml": Ours(formulas, features, target),
        "evoml float64": Ours(formulas, features.astype(np.float64), target.astype(np.float64)),
    }
    runs: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "table.npz", features=features, target=target)
        (folder / "formulas.json").write_text(json.dumps(texts(formulas)))
        for machine in machines.values():
            for what in ("outputs", "fitness", "scaled"):
                machine.run(what, 1)
        for _ in range(repeats):
            for system, machine in machines.items():
                for what in ("outputs", "fitness", "scaled"):
                    for threads in (1, 2):
                        runs.setdefault((system, what, threads), []).append(machine.run(what, threads))
            for engine, what, threads in (
                ("operon", "outputs", 1), ("operon", "outputs", 2), ("operon", "fitness", 1), ("gplearn", "outputs", 1),
                ("gplearn", "fitness", 1),
            ):  # fmt: skip
                found = peer(
                    python, folder, engine=engine, formulas="formulas", what=what, threads=threads,
                    repeats=TIMES,
                )  # fmt: skip
                assert found["nodes"] == formulas[2].sum(), "a peer reads other trees"
                runs.setdefault((engine, what, threads), []).append((min(found["cpu"]), min(found["wall"])))
                if engine == "operon" and what == "outputs":
                    agreement = _agreement(np.load(folder / "outputs.npy"), machines["evoml"].out)
    _report(language, runs, evaluations)
    print(
        f"{language:15s} outputs of Operon and evoml differ by {agreement:.1e} of a formula's spread (median of 50 formulas)"
    )


def _agreement(theirs: np.ndarray, ours: np.ndarray) -> float:
    ours = ours[: len(theirs)].astype(float)
    return float(np.median(np.abs(theirs - ours).max(axis=1) / (ours.std(axis=1) + np.abs(ours).max(axis=1))))


def _report(language: str, runs: dict[tuple[str, str, int], list[tuple[float, float]]], evaluations: float) -> None:
    def rate(key: tuple[str, str, int], clock: int) -> float:
        return evaluations / statistics.median(run[clock] for run in runs[key])

    for system, what, threads in runs:
        key, single = (system, what, threads), (system, what, 1)
        figures = [f"{rate(key, 0):8.2f} G/CPU-s  {rate(key, 1):8.2f} G/s"]
        if threads > 1:
            figures.append(f"{rate(key, 1) / rate(single, 1):5.2f} x one thread")
        elif system == "evoml":
            theirs = "outputs" if what == "outputs" else "fitness"
            peers = [(engine, rate((engine, theirs, 1), 0)) for engine in ("operon", "gplearn")]
            figures += [f"{rate(key, 0) / theirs_rate:6.1f} x {engine}" for engine, theirs_rate in peers]
        print(f"{language:15s} {system:14s} {what:8s} {threads} threads {' '.join(figures)}", flush=True)


@numba.njit(error_model="numpy")
def _plain_additions(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> None:
    for _ in range(times):
        for i in range(np.uintp(len(a))):
            c[i] = a[i] + b[i]
        a, c = c, a


def limits(formulas: dict[str, Formulas], features: np.ndarray, repeats: int) -> None:
    """Print what bounds the machine: the size of blocks, memory, and single operations."""
    for dtype in (np.float32, np.float64):
        table = features.astype(dtype)
        for language, population in formulas.items():
            n, evaluations = len(population[2]), int(population[2].sum()) * table.shape[1] / 1e9
            out, nothing = np.empty((n, table.shape[1]), dtype), np.zeros(0, dtype)
            rest = np.zeros(0), np.zeros((0, 2)), np.zeros(0, np.uint64)
            for block in (64, 128, 256, 512, 1024):
                settings = table, nothing, nothing, OUTPUTS, False, 0, n, block, out
                seconds = _least(lambda: formulas_on_table(*population, *settings, *rest), repeats)  # noqa: B023
                print(
                    f"{dtype.__name__} {language:15s} blocks of {block:4d} rows {evaluations / seconds:7.2f} G/CPU-s",
                    flush=True,
                )
        for name in ("add", "mul", "div", "exp", "log", "sin", "tanh", "pow"):
            print(f"{dtype.__name__} only {name:10s} {_only(name, table, repeats):7.2f} G operations/CPU-s", flush=True)
        rows = [np.ones(2048 // np.dtype(dtype).itemsize, dtype) for _ in range(3)]
        _plain_additions(*rows, 1)
        seconds = _least(lambda: _plain_additions(*rows, 100000), repeats)  # noqa: B023
        print(
            f"{dtype.__name__} plain loop of additions {len(rows[0]) * 1e-4 / seconds:7.2f} G operations/CPU-s",
            flush=True,
        )


def _only(name: str, features: np.ndarray, repeats: int) -> float:
    """G operations a CPU-second of formulas with a chain of 16 of them, whose argument stays within 0.5 and 2."""
    code, n = NAMES[name], 200
    codes, constants = np.zeros((n, ROOM), np.int32), np.ones((n, ROOM))
    chain = 16 if ARITY[code] == 2 else 1
    if ARITY[code] == 2:
        codes[:, :chain] = code
        codes[:, chain : 2 * chain + 1] = VARIABLE + np.arange(chain + 1) % N_FEATURES
    else:
        codes[:, :2] = code, VARIABLE
    lengths = np.full(n, 2 * chain + 1 if ARITY[code] == 2 else 2, np.int32)
    out = np.empty((n, features.shape[1]), features.dtype)
    seconds = _least(lambda: evaluate(codes, constants, lengths, features, 0, n, out), repeats)
    return n * chain * features.shape[1] / seconds / 1e9


def threads(formulas: dict[str, Formulas], features: np.ndarray, target: np.ndarray, repeats: int) -> None:
    """Print by the clock how much sooner two threads are done than one; they take turns, each pair gives a ratio."""
    for language, population in formulas.items():
        for dtype in (np.float32, np.float64):
            machine = Ours(population, features.astype(dtype), target.astype(dtype))
            for what in ("outputs", "fitness", "scaled"):
                passes = max(1, round(SECONDS_OF_TURN / machine.run(what, 1)[1]))
                _tell_gain(
                    f"{language:15s} {dtype.__name__} {what:8s}",
                    lambda n, machine=machine, what=what, passes=passes: machine.passes(what, n, passes),  # type: ignore[misc]
                    repeats,
                )


def searches(features: np.ndarray, jobs: list[int], repeats: int) -> None:
    """Print the seconds of whole searches by the clock for several numbers of threads, which take turns."""
    X = features.T
    noise = np.random.default_rng(1).normal(size=len(X))  # so that no search is over before its last generation
    y = np.sin(X[:, 0] * X[:, 1]) * np.exp(-0.5 * X[:, 2]) + X[:, 3] / (1.0 + X[:, 4] ** 2) + 0.05 * noise
    for rows in (min(1000, len(X)), len(X)):
        _search(X[:rows], y[:rows], max(jobs), 2)
        seconds = np.array([[_search(X[:rows], y[:rows], n, GENERATIONS) for n in jobs] for _ in range(repeats)])
        told = "  ".join(
            f"{n} threads {own.min():.2f} s ({gain:.2f} x)"
            for n, own, gain in zip(jobs, seconds.T, np.median(seconds[:, :1] / seconds, axis=0), strict=True)
        )
        print(f"search of {GENERATIONS} generations, {rows:6d} rows: {told}", flush=True)


def _tell_gain(about: str, seconds_with: Callable[[int], float], repeats: int) -> None:
    seconds_with(2)
    pairs = np.array([[seconds_with(n) for n in (1, 2)] for _ in range(repeats)])
    low, middle, high = np.quantile(pairs[:, 0] / pairs[:, 1], [0.25, 0.5, 0.75])
    print(
        f"{about:34s} two threads {middle:5.2f} x one (quartiles {low:.2f} {high:.2f}), one takes {pairs[:, 0].min():.2f} s",
        flush=True,
    )


def _search(X: np.ndarray, y: np.ndarray, n_jobs: int, generations: int) -> float:
    """Wall seconds of a whole search."""
    from evoml import SymbolicRegressor

    model = SymbolicRegressor(generations=generations, random_state=0, n_jobs=n_jobs)
    began = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - began


def _least(work: Callable[[], object], repeats: int) -> float:
    work()
    found = []
    for _ in range(repeats + 2):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formulas", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--parts", nargs="+", choices=["engines", "limits", "threads", "search"], default=["engines", "limits"]
    )
    parser.add_argument("--jobs", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peer", type=Path, default=PEER)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    features = rng.uniform(0.5, 3.0, (N_FEATURES, chosen.rows)).astype(np.float32)
    target = features[0] * features[1] + features[2]
    formulas = {
        name: make_formulas(language, chosen.formulas, chosen.nodes, features) for name, language in LANGUAGES.items()
    }
    if "engines" in chosen.parts:
        python = environment(chosen.peer, *PEERS)
        for language, population in formulas.items():
            compare(language, population, features, target, python, chosen.repeats)
    if "limits" in chosen.parts:
        limits(formulas, features, chosen.repeats)
    if "threads" in chosen.parts:
        threads(formulas, features, target, chosen.repeats)
    if "search" in chosen.parts:
        searches(features, chosen.jobs, chosen.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
