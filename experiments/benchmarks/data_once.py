"""What travels for an evaluation, and what a second worker on a large table takes: the table is there once, for all.

    python experiments/benchmarks/data_once.py [--evaluations 200] [--rows 1000000] [--columns 134] [--candidates 8]
        [--only pipe|memory]

*pipe*: the bytes of each message between the run and the host of its workers, both ways, on breast_cancer; out-of-fold
predictions travel back. The promise: a genome goes out in less than 4 kB at the median.

*memory*: a table of a gigabyte is made in a fresh interpreter and searched with cheap parts, with one worker, then with two,
which evaluate the same candidates. Every quarter of a second the proportional set sizes of all processes are added up, and
their files in /dev/shm. The promise: two workers take less than 1.3 times the memory of one. It takes some 10 GB of memory.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from soak import watched

PARTS = ["GaussianNB", "DecisionTreeClassifier", "SGDClassifier", "LinearDiscriminantAnalysis", "StandardScaler"]
MOST_BYTES, MOST_TIMES = 4000, 1.3


def messages(evaluations: int) -> dict[str, list[int]]:
    """Return the sizes of all messages of a run in this process."""
    from multiprocessing.connection import Connection

    from sklearn.datasets import load_breast_cancer

    from evoml import EvoClassifier

    sizes: dict[str, list[int]] = {"out": [], "back": []}
    send, receive = Connection._send_bytes, Connection._recv_bytes  # type: ignore[attr-defined]

    def sent(end: Any, content: Any) -> None:
        sizes["out"].append(len(content))
        send(end, content)

    def received(end: Any, *arguments: Any) -> Any:
        content = receive(end, *arguments)
        sizes["back"].append(len(content.getbuffer()))
        return content

    Connection._send_bytes, Connection._recv_bytes = sent, received  # type: ignore[attr-defined]
    EvoClassifier(max_evaluations=evaluations, random_state=0, n_jobs=2).fit(*load_breast_cancer(return_X_y=True))
    return sizes


def one(wanted: argparse.Namespace) -> None:
    """Search a large table in this process."""
    import json
    from pathlib import Path

    import numpy as np

    from evoml import EvoClassifier

    rng = np.random.default_rng(0)
    X = rng.standard_normal((wanted.rows, wanted.columns))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.standard_normal(wanted.rows) > 0).astype(int)
    told = Path(wanted.folder, "told")

    def count(progress: Any, outcome: Any) -> None:
        told.write_text(str(progress.evaluations))

    told.write_text("0")
    model = EvoClassifier(
        max_evaluations=wanted.candidates,
        max_eval_time_mins=10,
        n_jobs=wanted.jobs,
        random_state=0,
        search_space={"only": PARTS},
        callbacks=[count],
    ).fit(X, y)
    print(json.dumps({"evaluations": len(model.evaluated_individuals_), "score": round(model.best_score_, 4)}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=134)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--only", choices=["pipe", "memory"])
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.folder:
        one(wanted)
        return 0
    failed = False
    if wanted.only != "memory":
        print("message    count   median B     mean B   greatest B   all kB")
        for way, sizes in messages(wanted.evaluations).items():
            figures = statistics.median(sizes), statistics.mean(sizes), max(sizes), sum(sizes) / 1000
            print(f"{way:7s} {len(sizes):8d} {figures[0]:10.0f} {figures[1]:10.0f} {figures[2]:12d} {figures[3]:8.0f}")
            failed |= way == "out" and figures[0] > MOST_BYTES
    if wanted.only != "pipe":
        failed |= memory_of_workers(wanted) > MOST_TIMES
    return int(failed)


def memory_of_workers(wanted: argparse.Namespace) -> float:
    """Print what one and two workers take; return the ratio of the peaks."""
    table = 8e-6 * wanted.rows * wanted.columns
    print(f"table of {table:.0f} MB: megabytes of all processes, and when they were most of each")
    print("workers     median       peak     parent       host    workers      files   said")
    found = {}
    for jobs in (1, 2):
        samples, said = watched(0.25, __file__, *sys.argv[1:], "--jobs", str(jobs))
        totals = [sum(sample.values()) for _, sample in samples]
        at_peak = samples[totals.index(max(totals))][1]
        found[jobs] = statistics.median(totals), max(totals)
        figures = " ".join(f"{value:10.0f}" for value in (*found[jobs], *at_peak.values()))
        print(f"{jobs:7d} {figures}   {said}", flush=True)
    ratios = [two / one for one, two in zip(found[1], found[2], strict=True)]
    print(
        f"two workers to one: median {ratios[0]:.2f}, peak {ratios[1]:.2f}; one to the table: peak {found[1][1] / table:.2f}"
    )
    return ratios[1]


if __name__ == "__main__":
    sys.exit(main())
