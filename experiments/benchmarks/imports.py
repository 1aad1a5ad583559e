"""CPU seconds of importing evoml, beside scikit-learn and pandas: medians over fresh interpreters that take turns.

python experiments/benchmarks/imports.py [--repeats 9]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

STATEMENTS = {
    "nothing": "pass",
    "scikit-learn and pandas": "import sklearn, pandas",
    "evoml": "import evoml",
    "EvoClassifier": "from evoml import EvoClassifier",
}


def seconds(statement: str) -> float:
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    found: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(repeats):
        for name, statement in STATEMENTS.items():
            found[name].append(seconds(statement))
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(
            f"{name:24s} {value:6.3f} CPU-s   {value / medians['scikit-learn and pandas']:5.2f} x scikit-learn and pandas"
        )


if __name__ == "__main__":
    main()
