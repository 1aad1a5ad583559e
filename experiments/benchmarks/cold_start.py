"""How soon a run shows something: on a machine where no kernel was ever compiled, and later.

python experiments/benchmarks/cold_start.py [--seconds 20] [--jobs 2] [--repeats 3]

For each group of kernels: the seconds to compile it, and to load it in a process that has scikit-learn already, as a host of
workers has. Then the seconds from the call of ``fit`` to the first scored pipeline and to the first one with a compiled part:
with an empty cache, and with a full one. The parts are those of the catalogue that have kernels; without any, our boosted trees
are added to it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BOOSTING = {
    "path": "evoml.learners.boosting.BoostingClassifier",
    "kind": "classifier",
    "input": "dense",
    "predict_proba": True,
    "compiled": "boosting",
}


# -- one measurement in a fresh process -----------------------------------------------------------------------------------


def search_space() -> Any:
    from evoml.components import load_catalogue

    catalogue = load_catalogue()
    if any(part.compiled for part in catalogue.values()):
        return catalogue
    return catalogue.with_part("OurBoosting", **BOOSTING)


def first_scores(seconds: float, jobs: int) -> dict[str, float]:
    """Return the seconds from the call of ``fit`` to the first outcome of any pipeline, and of one with a compiled part."""
    from sklearn.datasets import load_breast_cancer

    from evoml import EvoClassifier

    space, found = search_space(), {}
    names = [name for name, part in space.items() if part.compiled]
    X, y = load_breast_cancer(return_X_y=True)

    def callback(progress: Any, outcome: Any) -> None:
        text = str(outcome.candidate.genome)
        kind = "compiled" if any(f"{name}(" in text for name in names) else "library"
        if outcome.ok:
            found.setdefault(kind, time.monotonic() - began)
            found.setdefault("any", time.monotonic() - began)

    began = time.monotonic()
    settings = {"initial_pipelines": [f"{names[0]}(features)"]} if "OurBoosting" in names else {}
    model = EvoClassifier(
        max_time_mins=seconds / 60, n_jobs=jobs, random_state=0, search_space=space, callbacks=[callback], **settings
    )
    model.fit(X, y)
    return {**found, "whole": time.monotonic() - began}


def load_seconds(group: str) -> dict[str, float]:
    import sklearn.linear_model  # noqa: F401 - as a host has it

    from evoml.kernels.warmup import is_ready, load

    looked = time.perf_counter()
    assert is_ready(group)
    began = time.perf_counter()
    load([group])
    return {"look": began - looked, "load": time.perf_counter() - began}


# -- all of them ----------------------------------------------------------------------------------------------------------


def measured(cache: Path, *arguments: object) -> dict[str, float]:
    """Return what this script prints when it is run with ``arguments`` and a cache of its own."""
    environment = {
        **os.environ,
        "EVOML_CACHE_DIR": str(cache),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
    }
    command = [sys.executable, "-c", "import cold_start; cold_start.one()", *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compile_seconds(group: str) -> dict[str, float]:
    from evoml.kernels.warmup import Compilation, seconds_taken

    began = time.perf_counter()
    compilation = Compilation([group])
    compilation.wait()
    compilation.stop()
    return {"compile": seconds_taken(group), "process": time.perf_counter() - began}


def groups() -> list[str]:
    return sorted({part.compiled for part in search_space().values() if part.compiled})


def one() -> None:
    """Print one measurement, in a process of its own."""
    what, *arguments = sys.argv[1:]
    if what == "first":
        print(json.dumps(first_scores(float(arguments[0]), int(arguments[1]))))
    else:
        print(json.dumps({"compile": compile_seconds, "load": load_seconds}[what](*arguments)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="Budget of each run.")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    wanted = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full"
        for group in groups():
            compiled, loaded = measured(full, "compile", group), measured(full, "load", group)
            print(
                f"{group:24s} compiled in {compiled['compile']:.1f} s ({compiled['process']:.1f} s with its process),"
                f" loaded in {loaded['load']:.2f} s; looking whether it is ready {1000 * loaded['look']:.1f} ms"
            )
        runs: dict[str, list[dict[str, float]]] = {"empty cache": [], "full cache": []}
        for number in range(wanted.repeats):
            for name, cache in (("empty cache", Path(folder) / f"empty{number}"), ("full cache", full)):
                runs[name].append(measured(cache, "first", wanted.seconds, wanted.jobs))
                _wait_for_compilation(cache)
    for name, found in runs.items():
        words = ", ".join(f"{kind} {_median(found, kind)}" for kind in ("any", "library", "compiled", "whole"))
        print(f"{name:12s} median seconds from fit: {words}")


def _wait_for_compilation(cache: Path) -> None:
    """Wait until what a run has left behind is over, so that it does not disturb the next one."""
    for group in groups():
        measured(cache, "compile", group)


def _median(found: list[dict[str, float]], kind: str) -> str:
    there = [one[kind] for one in found if kind in one]
    missing = f" (never in {len(found) - len(there)} of {len(found)})" if len(there) < len(found) else ""
    return (f"{statistics.median(there):.2f}" if there else "-") + missing


if __name__ == "__main__":
    main()
