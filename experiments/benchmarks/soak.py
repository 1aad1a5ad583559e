"""Memory of all processes of a long run on a small table: how much at most, and whether it grows.

    python experiments/benchmarks/soak.py [--evaluations 20000] [--jobs 1] [--journal memory|file] [--plot PATH.png]

A fresh interpreter runs regularised evolution with cheap parts on iris, in two folds. Every second the proportional set
sizes of it, its host and its workers are added up, and their files in /dev/shm. The promise: at most 400 MB with one worker,
600 MB with two, and no growth: a line through the second half of the run rises by less than 5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

MEGABYTE = 1e6
MOST = {1: 400, 2: 600}  # megabytes by number of workers
RISE = 0.05  # over the second half of a run
PARTS = [
    "BernoulliNB", "DecisionTreeClassifier", "GaussianNB", "MinMaxScaler", "RobustScaler", "StandardScaler",
    "MaxAbsScaler", "Normalizer", "SelectPercentileFClassif", "VarianceSelector", "Binarizer", "PCA",
]  # fmt: skip


def one(wanted: argparse.Namespace) -> None:
    """Run in this process; the number of outcomes told stands in a file."""
    from sklearn.datasets import load_iris

    from evoml import EvoClassifier

    told = 0

    def count(progress: object, outcome: object) -> None:
        nonlocal told
        told += 1
        if told % 50 == 0:
            Path(wanted.folder, "told").write_text(str(told))

    X, y = load_iris(return_X_y=True)
    began = time.process_time()
    model = EvoClassifier(
        max_evaluations=wanted.evaluations,
        algorithm="regularised",
        n_jobs=wanted.jobs,
        cv=2,
        random_state=0,
        search_space={"only": PARTS},
        callbacks=[count],
        journal=Path(wanted.folder, "journal") if wanted.journal == "file" else None,
    ).fit(X, y)
    status = model.evaluated_individuals_["status"].value_counts().to_dict()
    print(json.dumps({"status": status, "stopped_by": model.stopped_by_, "cpu": time.process_time() - began}))


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            parents[int(entry)] = int(Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def shared_pages(host: int) -> float:
    """Return the bytes of the files that a run keeps in the folder that its host was told of."""
    total = 0.0
    with suppress(OSError, IndexError):
        folder = Path(Path(f"/proc/{host}/cmdline").read_text().split("\0")[-3])
        for file in folder.rglob("*"):
            with suppress(OSError):
                total += 512 * file.stat().st_blocks
    return total


def memory(root: int) -> dict[str, float]:
    """Return megabytes of a run's parent, host and workers, and of its files in /dev/shm.

    Pages of files there that a process maps count for files, also those of a file that has no name any more: the table as it
    was sent. A page that is mapped right now from a file with a name is counted twice, which is little.
    """
    processes = tree(root)
    files = shared_pages(processes[1]) if len(processes) > 1 else 0.0
    found = {"parent": 0.0, "host": 0.0, "workers": 0.0, "files": files / MEGABYTE}
    for number, process in enumerate(processes):
        name = ("parent", "host")[number] if number < 2 else "workers"
        with suppress(OSError):
            lines = dict(line.split(":") for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
            kilobytes = {key: int(value.split()[0]) for key, value in lines.items()}
            shared = kilobytes.get("Pss_Shmem", 0)
            found[name] += 1024 * (kilobytes["Pss"] - shared) / MEGABYTE
            found["files"] += 1024 * shared / MEGABYTE
    return found


def watched(every: float, *command: str) -> tuple[list[tuple[int, dict[str, float]]], dict]:
    """Run a script in a fresh interpreter; return (outcomes told, memory) every few seconds, and what the run says.

    It is called with the option ``--folder``, and is to write to the file ``told`` there how far it is.
    """
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen([sys.executable, *command, "--folder", folder], stdout=subprocess.PIPE, text=True)
        told = Path(folder, "told")
        while run.poll() is None:
            time.sleep(every)
            count = told.read_text() if told.exists() else ""
            if count:
                samples.append((int(count), memory(run.pid)))
        said = run.stdout.read() if run.stdout else ""
        if run.returncode:
            raise SystemExit(f"the run ended with code {run.returncode}")
        return samples, json.loads(said.splitlines()[-1])


def plot(samples: list[tuple[int, dict[str, float]]], path: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    told, parts = [count for count, _ in samples], list(samples[0][1])
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    axes.stackplot(told, *([sample[part] for _, sample in samples] for part in parts), labels=parts)
    axes.set(xlabel="outcomes told", ylabel="MB (proportional set size)", title=title, ylim=0)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--journal", choices=["memory", "file"], default="memory")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.folder:
        one(wanted)
        return 0
    began = time.monotonic()
    samples, said = watched(wanted.every, __file__, *sys.argv[1:])
    print(f"{wanted.jobs} workers, journal in {wanted.journal}, {time.monotonic() - began:.0f} s: {said}")
    print("outcomes told   " + " ".join(f"{part:>8s}" for part in samples[0][1]) + "    all MB")
    last = samples[-1][0]
    for share in range(11):
        count, sample = min(samples, key=lambda entry: abs(entry[0] - share * last / 10))
        print(
            f"{count:13d}   " + " ".join(f"{value:8.1f}" for value in sample.values()) + f" {sum(sample.values()):9.1f}"
        )
    import numpy as np

    counts, totals = np.array([(count, sum(sample.values())) for count, sample in samples]).T
    later = (counts >= last / 2) & (counts < last)  # the tables made at the end are the user's
    slope, level = np.polyfit(counts[later] - last / 2, totals[later], 1)
    rise, peak, bound = slope * last / 2 / level, totals.max(), MOST.get(wanted.jobs, 300 * wanted.jobs)
    print(f"peak {peak:.0f} MB (promised {bound}); second half: {1e3 * slope:+.2f} MB in 1,000 outcomes, {rise:+.1%}")
    if wanted.plot:
        plot(samples, wanted.plot, f"{wanted.jobs} worker(s), journal in {wanted.journal}")
    return int(peak > bound or rise > RISE)


if __name__ == "__main__":
    sys.exit(main())
