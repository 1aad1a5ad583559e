"""Seconds that real evaluations take, for the simulation: from real runs made here, or from journals that are there.

    python experiments/benchmarks/scaling/record.py [--minutes 2.5] [--journal PATH ...] [--out durations.csv]

Runs search the full catalogue on four tables of scikit-learn, one process each. What is written is CPU time, which other work
on the machine lengthens less than it does the time on the clock; an evaluation keeps to one thread.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

TABLES = {
    "breast_cancer": "EvoClassifier",
    "wine": "EvoClassifier",
    "digits": "EvoClassifier",
    "diabetes": "EvoRegressor",
}
HERE = Path(__file__).parent


def made_here(table: str, minutes: float) -> pd.DataFrame:
    """Search on a table and return its candidates."""
    from sklearn import datasets

    import evoml

    X, y = getattr(datasets, f"load_{table}")(return_X_y=True)
    model = getattr(evoml, TABLES[table])(
        max_time_mins=minutes, max_eval_time_mins=1, n_jobs=1, executor="process", random_state=0
    )
    return model.fit(X, y).evaluated_individuals_


def read(path: str) -> pd.DataFrame:
    from evoml.journal import Journal

    with Journal.read(path) as journal:
        return journal.individuals()


def durations(name: str, individuals: pd.DataFrame) -> pd.DataFrame:
    """Return the seconds of each evaluation that was really made."""
    made = individuals[individuals["duplicate_of"].isna() & (individuals["cpu_seconds"] > 0)]
    return pd.DataFrame({"table": name, "status": made["status"], "seconds": made["cpu_seconds"].round(4)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.5)
    parser.add_argument("--journal", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=HERE / "durations.csv")
    told = parser.parse_args()
    runs = {Path(path).stem: read(path) for path in told.journal}
    runs = runs or {table: made_here(table, told.minutes) for table in TABLES}
    found = pd.concat([durations(name, individuals) for name, individuals in runs.items()])
    found.to_csv(told.out, index=False)
    print(found.groupby("table")["seconds"].describe(percentiles=[0.5, 0.9, 0.99]).round(3).to_string())


if __name__ == "__main__":
    main()
