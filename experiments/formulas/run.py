"""Which system finds known formulas: systems, problems, levels of noise and seeds, at equal CPU time on one thread.

    python experiments/formulas/run.py --seconds 60 --seeds 10 --noise 0 0.01 --out RESULTS

Peers live in a virtual environment of their own (``--peer PATH``), which experiments/benchmarks/formulas.py makes. Results
are appended to RESULTS/results.jsonl, and what is there already is not run again; ``--show`` only prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from problems import feynman, problems
from recovery import EXACT, is_same

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

    def fit(self, task: dict[str, Any]) -> dict[str, Any]:
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
    parser.add_argument("--feynman", help="FeynmanEquations.csv, for all of its problems")
    parser.add_argument("--every", type=int, default=1, help="take every n-th problem")
    parser.add_argument("--seconds", type=float, default=60.0)
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


def run(wanted: argparse.Namespace, file: Path, done: list[dict[str, Any]]) -> None:
    """Run what is not done yet; systems take turns, so that a change in the machine's load meets all of them."""
    chosen = feynman(wanted.feynman) if wanted.feynman else problems(wanted.families)
    chosen = [one for one in chosen if not wanted.only or one.name in wanted.only][:: wanted.every]
    known = {tuple(row[name] for name in ("system", "name", "noise", "seed", "seconds")) for row in done}
    workers = {system: Worker(system, wanted.peer) for system in wanted.systems}
    for problem in chosen:
        for noise in wanted.noise:
            for seed in range(wanted.seeds):
                for system, worker in workers.items():
                    if (system, problem.name, noise, seed, wanted.seconds) in known:
                        continue
                    task = {"problem": asdict(problem), "seed": seed, "noise": noise, "seconds": wanted.seconds}
                    row = {"system": system, "family": problem.family, "name": problem.name, "truth": problem.formula}
                    row |= {"noise": noise, "seed": seed, "seconds": wanted.seconds, **worker.fit(task)}
                    row["same"] = is_same(row["text"], problem.formula, list(problem.ranges))
                    done.append(row)
                    with file.open("a") as results:
                        results.write(json.dumps(row) + "\n")
                    told = f"{problem.name:12} {noise:g} {seed} {system:8} {row['error']:.2e}"
                    same = "same" if row["same"] else "    "
                    print(f"{told} {same} {row['cpu']:6.1f} s  {row['length']:3.0f}  {row['text'][:100]}", flush=True)
    for worker in workers.values():
        worker.close()


def show(rows: list[dict[str, Any]]) -> None:
    """Print, for each family, level of noise and system, what was recovered and how well it predicts."""
    head = (
        "| problems | noise | system | runs | error < 1e-9 | R2 > 0.999 | shown the same | median length | mean CPU s |"
    )
    print(f"\n{head}\n|{'---|' * 9}")
    families = [*dict.fromkeys(row["family"] for row in rows), "all"]
    for family in families:
        for noise in sorted({row["noise"] for row in rows}):
            for system in dict.fromkeys(row["system"] for row in rows):
                some = [
                    r for r in rows if r["system"] == system and r["noise"] == noise and family in (r["family"], "all")
                ]
                if not some:
                    continue
                errors = np.array([row["error"] for row in some])
                cells = [family, f"{noise:g}", system, len(some), f"{np.mean(errors < EXACT):.0%}",
                         f"{np.mean(errors < 1e-3):.0%}", f"{np.mean([row['same'] for row in some]):.0%}",
                         f"{np.median([row['length'] for row in some]):.0f}",
                         f"{np.mean([row['cpu'] for row in some]):.1f}"]  # fmt: skip
                print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
