"""Runs beside one another: which settings differ, what came out, when, and what it is made of. Tables with a column a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.candidate import Status
from evoml.core.errors import SettingError
from evoml.report.formula_fronts import column_names, formula_fronts
from evoml.report.pipelines import readable_pipeline, shortened
from evoml.report.record import BY_THE_THOUSAND, Readable, Record, finite
from evoml.report.structure import structure
from evoml.report.tables import PENDING, failures_by_kind, interval_text, mapping_text, score_text

if TYPE_CHECKING:
    import pandas as pd

Runs = Mapping[str, Record]
OWN = {
    "versions",
    "columns",
    "feature_names",
    "names",
    "baseline",
    "fold_rows",
}  # settings told of otherwise, or too long
MUST_AGREE = {  # setting -> what it means that it differs
    "kind": "they searched for different things",
    "data_fingerprint": "they saw different tables",
    "scoring": "they were scored by different metrics",
    "loss": "they minimised different losses",
    "cv": "they were scored on different folds",
}
LONGEST = 400  # characters of a candidate that are shown
TIMES = {"fit_seconds": "fitting", "predict_seconds": "predicting", "score_seconds": "scoring"}


def records_of(runs: Mapping[str, Readable]) -> dict[str, Record]:
    """Read the runs. Raises SettingError for fewer than two."""
    if len(runs) < 2:
        raise SettingError(f"a comparison needs two runs or more, got {len(runs)}")
    return {name: Record.of(journal) for name, journal in runs.items()}


def caveats(runs: Runs) -> list[str]:
    """Return why the scores of runs can't be compared as they are; nothing where they can."""
    found = []
    for setting, words in MUST_AGREE.items():
        if len({mapping_text(record.settings.get(setting)) for record in runs.values()}) > 1:
            found.append(f"scores do not compare: {words}")
    if not found and len({record.settings.get("fold_rows") for record in runs.values()}) > 1:
        found.append(
            "their folds differ, as they do with the seed: differences within the spread over folds are chance"
        )
    if open_ones := [name for name, record in runs.items() if not record.finished]:
        found.append(f"not finished: {', '.join(open_ones)}")
    return found


def settings_that_differ(runs: Runs) -> pd.DataFrame:
    """Return the settings in which runs differ: one row a setting, one column a run."""
    import pandas as pd

    names = dict.fromkeys(name for record in runs.values() for name in record.settings if name not in OWN)
    if len({record.settings.get("kind") for record in runs.values()}) > 1:  # what one kind alone knows tells nothing
        names = {name: None for name in names if name == "kind" or all(name in r.settings for r in runs.values())}
    rows = {name: [mapping_text(record.settings.get(name)) for record in runs.values()] for name in names}
    rows |= _versions(runs)
    differing = {name: values for name, values in rows.items() if len(set(values)) > 1}
    table = pd.DataFrame(list(differing.values()), columns=list(runs), dtype=object)
    table.insert(0, "setting", [name.replace("_", " ") for name in differing])
    return table


def _versions(runs: Runs) -> dict[str, list[str]]:
    """Return the versions of the libraries that all runs name."""
    known = [record.settings.get("versions") or {} for record in runs.values()]
    return {
        f"version of {name}": [str(one[name]) for one in known]
        for name in known[0]
        if all(name in one for one in known)
    }


def results(runs: Runs) -> pd.DataFrame:
    """Return what came out: one row a fact, one column a run; empty texts where a run has no such thing.

    "evaluations to ..." and "seconds to ..." tell when a run first had what the worst of them ended with.
    """
    import pandas as pd

    curves = {name: progress_curve(record) for name, record in runs.items()}
    ends = [curve[-1, 2] for curve in curves.values() if len(curve)]
    bar = min(ends) if len(ends) == len(runs) else None
    columns = {name: _result(record, curves[name], bar) for name, record in runs.items()}
    facts = dict.fromkeys(fact for column in columns.values() for fact in column)
    rows = [[fact, *(str(column.get(fact) or "") for column in columns.values())] for fact in facts]
    return pd.DataFrame([row for row in rows if any(row[1:])], columns=["fact", *runs])


def _result(record: Record, curve: np.ndarray, bar: float | None) -> dict[str, Any]:
    told = record.individuals[(record.individuals["status"] != PENDING) & record.individuals["duplicate_of"].isna()]
    holdout, summary = record.summary.get("holdout") or {}, record.summary
    common = {
        "best score": score_text(curve[-1, 2]) if len(curve) else "none",
        "score of the ensemble": score_text(record.ensemble.get("score")),
        "estimated score on new rows": interval_text(summary.get("expected") or {}),
        "hold-out score": interval_text({**holdout, "value": holdout.get("score")}),
    }
    by_thousands = record.settings.get("kind") in BY_THE_THOUSAND
    made_of = _formula(record) if record.settings.get("kind") == "formulas" else _best(record)
    reached = curve[curve[:, 2] >= bar][0] if bar is not None and (curve[:, 2] >= bar).any() else None
    search = {
        **({} if by_thousands else {"size of the front": str(len(record.front))}),
        "evaluations": f"{int(curve[-1, 1]) if len(curve) else 0:,}",
        **({} if by_thousands else _shares(record, told)),
        "generations": str(len(record.progress)),
        "seconds": f"{record.seconds:.1f}",
        "CPU seconds": "" if (cpu := finite(summary.get("cpu_seconds"))) is None else f"{cpu:.1f}",
        f"evaluations to {score_text(bar)}": "" if reached is None else f"{int(reached[1]):,}",
        f"seconds to {score_text(bar)}": "" if reached is None else f"{reached[0]:.1f}",
        "stopped by": str(summary.get("stopped_by") or "not finished"),
    }
    return {**common, **made_of, **search}


def _shares(record: Record, told: pd.DataFrame) -> dict[str, str]:
    count = max(len(told), 1)
    failed, pruned = int(failures_by_kind(record)["count"].sum()), int((told["status"] == Status.PRUNED).sum())
    return {"failed": f"{failed} ({failed / count:.0%})", "stopped early": f"{pruned} ({pruned / count:.0%})"}


def _best(record: Record) -> dict[str, str]:
    if record.best is None:
        return {}
    return {
        "best candidate": shortened(readable_pipeline(str(record.scored.at[record.best, "text"])), LONGEST),
        "its size": f"{record.sizes[record.best]:g}",
    }


def _formula(record: Record) -> dict[str, str]:
    from evoml.genomes.expression.text import show

    told = {}
    for front in formula_fronts(record):
        of = f" of {front.label}" if front.label else ""
        told[f"chosen formula{of}"] = show(front.formulas[front.shown], column_names(record))
        told[f"its score{of}"] = score_text(1.0 - front.errors[front.shown])
        told[f"its complexity{of}"] = f"{front.complexities[front.shown]:g}"
    return told


def progress_curve(record: Record) -> np.ndarray:
    """Return seconds, evaluations and best score so far, (n, 3): a row at each rise, and one at the end."""
    if record.settings.get("kind") in BY_THE_THOUSAND:
        rows = record.progress[["elapsed", "evaluations", "best_score"]].to_numpy(float)
    else:
        told = record.individuals[record.individuals["sequence"].notna() & record.individuals["duplicate_of"].isna()]
        order = np.sort(told["sequence"].to_numpy(int))
        table = record.scored
        number = np.searchsorted(order, table["sequence"].to_numpy(int)) + 1.0
        rows = np.column_stack([table["told"].to_numpy(float), number, table["selection"].to_numpy(float)])
        if len(rows):
            rows = np.vstack(
                [rows, [max(record.seconds, rows[-1, 0]), max(float(len(order)), rows[-1, 1]), rows[-1, 2]]]
            )
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return np.empty((0, 3))
    rows[:, 2] = np.maximum.accumulate(rows[:, 2])
    kept = np.diff(rows[:, 2], prepend=-np.inf) > 0
    kept[-1] = True
    return np.asarray(rows[kept])


def parts_used(runs: Runs) -> pd.DataFrame:
    """Return how often each part occurs: one row a part, one column a run, the share of its last population that uses it.

    The formulas of the front stand for the population of a run for formulas, the front where no population is known.
    """
    import pandas as pd

    shares = {name: _shares_of_parts(record) for name, record in runs.items()}
    parts = dict.fromkeys(part for share in shares.values() for part in share)
    table = pd.DataFrame({name: [share.get(part, 0.0) for part in parts] for name, share in shares.items()})
    table.insert(0, "part", list(parts))
    order = table[list(runs)].max(axis=1).sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _shares_of_parts(record: Record) -> dict[str, float]:
    if record.settings.get("kind") == "formulas":
        from evoml.genomes.expression.text import write

        texts = [write(one) for front in formula_fronts(record) for one in front.formulas]
    else:
        members = record.populations[max(record.populations)] if record.populations else record.front
        texts = [str(record.individuals.at[one, "text"]) for one in members]
    counts = Counter(part for text in texts for part in set(structure(text).parts))
    return {part: count / len(texts) for part, count in sorted(counts.items())}


def time_spent(runs: Runs) -> pd.DataFrame:
    """Return what the evaluations of each run spent its seconds on, all workers together; no rows for formulas.

    Columns: run, one for each kind of work, ``"other"`` (starting, loading, waiting within an evaluation).
    """
    import pandas as pd

    rows = []
    for name, record in runs.items():
        table = record.individuals
        known = {words: float(table[column].sum()) for column, words in TIMES.items()}
        whole = float(table["wall_seconds"].sum())
        if whole > 0:
            saved = float(
                table["saved_seconds"].sum()
            )  # costs of steps that were recalled count as if they had been run
            spent = {**known, "fitting": max(known["fitting"] - saved, 0.0)}
            rows.append({"run": name, **spent, "other": max(whole - sum(spent.values()), 0.0)})
    return pd.DataFrame(rows, columns=["run", *TIMES.values(), "other"])
