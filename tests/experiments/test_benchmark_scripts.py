"""Benchmarks that reach into the engine still run: functions they wrap by name are there. Tiny runs; no figure is looked at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "experiments" / "benchmarks"


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("overhead.py", "--light --evaluations 12 --jobs 1 --repeats 1", "engine"),
        ("soak.py", "--evaluations 300 --jobs 1 --every 0.1", "peak"),
    ],
)
def test_a_benchmark_runs(script, arguments, said):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPTS / script), *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr  # a promise that so short a run does not keep makes the status 1
    assert said in done.stdout
