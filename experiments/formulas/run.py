"""Which system finds known formulas: systems, problems, levels of noise and seeds, at equal CPU time on one thread.

    python experiments/formulas/run.py --seconds 60 --seeds 5 --noise 0 0.001 0.01 --out RESULTS
    python experiments/formulas/run.py --tables FOLDER --equations FeynmanEquations.csv ...

Without tables it takes the problems of ``problems.toml`` that need none. Peers live in a virtual environment of their own
(``--peer PATH``), which experiments/benchmarks/formulas.py makes. Results are appended to RESULTS/results.jsonl, and what is
there already is not run again; ``--show`` only prints the table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from problems import Problem, feynman, mixed, problems
from recovery import EXACT, NEAR, is_same, size

HERE = Path(__file__).parent
PEER = Path.home() / ".cache" / "evoml-peers" / "formulas"


class Worker:
    """A process that serves one system."""

    def __init__(self, system: str, peer: Path) -> None:
        python = sys.executable if system == "evoml" else str(peer / "bin" / "python")
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        self._process = subprocess.Popen(
            [python, str(HERE / "systems.py"), system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads},
        )

    def fit(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a row for each way of choosing from what was found, the system's own first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with code {self._process.wait()} at {task}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["evoml", "operon"])
    parser.add_argument("--families", nargs="+")
    parser.add_argument("--only", nargs="+", help="names of problems")
    parser.add_argument("--equations", help="FeynmanEquations.csv, for all of its problems")
    parser.add_argument("--tables", help="folder of given tables: these, and every fifth of the equations")
    parser.add_argument("--every", type=int, default=1, help="take every n-th problem")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds for each fit")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0])
    parser.add_argument("--out", type=Path, default=Path("runs/formulas"))
    parser.add_argument("--peer", type=Path, default=PEER)
    parser.add_argument("--show", action="store_true")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    file = wanted.out / "results.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    if not wanted.show:
        run(wanted, file, done)
    show(done)


def chosen(wanted: argparse.Namespace) -> list[Problem]:
    """Return the problems that are wanted."""
    if wanted.tables:
        found = mixed(wanted.tables, wanted.equations)
    else:
        found = feynman(wanted.equations) if wanted.equations else problems(wanted.families)
    return [one for one in found if not wanted.only or one.name in wanted.only][:: wanted.every]


def run(wanted: argparse.Namespace, file: Path, done: list[dict[str, Any]]) -> None:
    """Run what is not done yet; systems take turns, so that a change in the machine's load meets all of them."""
    known = {tuple(row[name] for name in ("system", "name", "noise", "seed", "seconds")) for row in done}
    workers: dict[str, Worker] = {}
    for seed, noise, problem, system in itertools.product(
        range(wanted.seeds), wanted.noise, chosen(wanted), wanted.systems
    ):
        if (system, problem.name, noise, seed, wanted.seconds) in known:
            continue
        if system not in workers:
            workers[system] = Worker(system, wanted.peer)
        task = {"problem": asdict(problem), "seed": seed, "noise": noise, "seconds": wanted.seconds}
        about = {"system": system, "family": problem.family, "name": problem.name, "truth": problem.formula}
        about |= {"noise": noise, "seed": seed, "seconds": wanted.seconds}
        rows = [about | judged(row, problem) for row in workers[system].fit(task)]
        done += rows
        with file.open("a") as results:
            results.writelines(json.dumps(row) + "\n" for row in rows)
        for row in rows:
            told = f"{seed} {noise:<5g} {problem.name:18} {system:7} {row['choice']:5} {row['error']:8.1e}"
            same = "same" if row["same"] else "    "
            print(f"{told} {same} {row['cpu']:5.1f} s {row['size']:4} {row['text'][:100]}", flush=True)
    for worker in workers.values():
        worker.close()


def judged(row: dict[str, Any], problem: Problem) -> dict[str, Any]:
    """Return a result with whether it is the formula looked for, and its size."""
    names = list(problem.ranges)
    same = bool(problem.formula) and row["error"] < NEAR and is_same(row["text"], problem.formula, names)
    return {**row, "same": same, "size": size(row["text"], names)}


def show(rows: list[dict[str, Any]]) -> None:
    """Print, for each family, level of noise and system, what was recovered and how well it predicts."""
    head = (
        "problems | noise | system | runs | median test R2 | R2 > 0.999 | recovered | exact | median size | mean CPU s"
    )
    print(f"\n| {head} |\n|{'---|' * 10}")
    families = dict.fromkeys(row["family"] for row in rows)
    levels = sorted({row["noise"] for row in rows})
    systems = dict.fromkeys((row["system"], row["choice"]) for row in rows)
    for family, noise, (system, choice) in itertools.product([*families, "all"], [*levels, None], systems):
        some = [
            row
            for row in rows
            if (row["system"], row["choice"]) == (system, choice)
            and family in (row["family"], "all")
            and noise in (row["noise"], None)
        ]
        if not some:
            continue
        errors = np.array([row["error"] for row in some])
        errors[np.isnan(errors)] = np.inf
        known = [row["same"] for row in some if row["truth"]]
        exact = [row["same"] and row["error"] < EXACT for row in some if row["truth"]]
        cells = [family, "all" if noise is None else f"{noise:g}", f"{system} {choice}".strip(), len(some),
                 f"{1 - np.median(errors):.6f}", f"{np.mean(errors < 1e-3):.0%}", f"{np.mean(known):.0%}",
                 f"{np.mean(exact):.0%}", f"{np.median([row['size'] for row in some]):.0f}",
                 f"{np.mean([row['cpu'] for row in some]):.1f}"]  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
