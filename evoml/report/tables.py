"""Tables about a run: who won, what failed and why, which variations paid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evoml.core.candidate import Status
from evoml.report.pipelines import readable_pipeline, shortened
from evoml.report.record import Readable, Record, finite

if TYPE_CHECKING:
    import pandas as pd

PENDING = "PENDING"  # asked, and not told when the journal was read


def best_candidate(journal: Readable) -> int | None:
    """Return the id of the candidate a run chose, or would choose if it ended now; None while nothing is scored."""
    return Record.of(journal).best


def front(journal: Readable) -> list[int]:
    """Return the ids of the scored candidates that no other beats in every objective, best score first."""
    return list(Record.of(journal).front)


def leaderboard(journal: Readable, n: int | None = 20) -> pd.DataFrame:
    """Return the ``n`` best distinct candidates, best first; all of them for None.

    Columns: rank, id, score (the selection score), std (over folds, of a sample), one column for each further metric,
    complexity (or whatever stands against the score), fit_seconds, pipeline, operator, status.
    """
    import pandas as pd

    record = Record.of(journal)
    table = record.scored.sort_values(["selection", "cost"], ascending=[False, True], kind="stable").head(n)  # type: ignore[arg-type]
    columns: dict[str, Any] = {
        "rank": range(1, len(table) + 1),
        "id": table.index,
        "score": table["selection"].to_numpy(),
        "std": [fold_std(folds.get(record.metric, ())) for folds in table["fold_scores"]],
    }
    for metric in record.metrics[1:]:
        columns[metric] = [mean(folds.get(metric, ())) for folds in table["fold_scores"]]
    if record.cost_index is not None:
        columns[record.objectives[record.cost_index]] = table["cost"].to_numpy()
    columns["fit_seconds"] = table["fit_seconds"].to_numpy()
    columns["pipeline"] = [readable_pipeline(text) for text in table["text"]]
    columns["operator"] = table["operator"].to_numpy()
    columns["status"] = table["status"].to_numpy()
    return pd.DataFrame(columns)


def ensemble_members(journal: Readable) -> pd.DataFrame:
    """Return the pipelines whose average is the model, the heaviest first; no rows where it is a single one.

    Columns: weight, id, score (its own selection score), pipeline.
    """
    import pandas as pd

    record = Record.of(journal)
    weights = {int(one): weight for one, weight in (record.ensemble.get("weights") or {}).items()}
    rows = [
        (weight, one, record.scored.at[one, "selection"], readable_pipeline(str(record.scored.at[one, "text"])))
        for one, weight in weights.items()
        if one in record.scored.index
    ]
    return pd.DataFrame(rows, columns=["weight", "id", "score", "pipeline"])


def mean(values: tuple[float, ...]) -> float:
    """Mean of fold scores; nan without folds."""
    return sum(values) / len(values) if values else float("nan")


def fold_std(values: tuple[float, ...]) -> float:
    """Return the sample standard deviation of fold scores; nan for fewer than two folds."""
    from statistics import stdev

    return stdev(values) if len(values) > 1 else float("nan")


def failures_by_kind(journal: Readable) -> pd.DataFrame:
    """Return how often each kind of failure came, most frequent first.

    Columns: status, error (its last line, numbers replaced by ``#``), count, example_id, example (the whole message).
    Duplicates of a failed candidate are not counted: they were never run.
    """
    import pandas as pd

    table = Record.of(journal).individuals
    failed = table[_failed(table["status"]) & table["duplicate_of"].isna()]
    groups: dict[tuple[str, str], list[int]] = {}
    for one, status, error in zip(failed.index, failed["status"], failed["error"], strict=True):
        groups.setdefault((status, short_error(error)), []).append(one)
    rows = [
        (status, error, len(ids), ids[0], str(failed.at[ids[0], "error"] or ""))
        for (status, error), ids in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    ]
    return pd.DataFrame(rows, columns=["status", "error", "count", "example_id", "example"])


def _failed(statuses: pd.Series) -> pd.Series:
    return statuses.isin([str(status) for status in Status if status.failed])


def short_error(error: str) -> str:
    """Return the last line of an error with its numbers replaced, so that equal mistakes read alike."""
    lines = [line for line in str(error or "").splitlines() if line.strip()]
    return shortened(re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", lines[-1]), 110) if lines else "no message"


def operator_credit(journal: Readable) -> pd.DataFrame:
    """Return how each variation fared, most successful first.

    Columns: operator, tries (evaluated candidates it made), wins (of these, scored better than their first parent),
    success_rate, failures, duplicates (not evaluated again, not among the tries), and probability (of being chosen
    next, where the run adapts it; else nan). First populations have no parents and are left out.
    """
    import pandas as pd

    record = Record.of(journal)
    told = record.individuals[record.individuals["status"] != PENDING]
    scores = {one: record.score_of(values) for one, values in record.individuals["scores"].items()}
    probability = _probabilities(record)
    rows = []
    for operator, made in told[told["parents"].map(len).astype(int) > 0].groupby("operator"):
        tried = made[made["duplicate_of"].isna()]
        wins = sum(_better(scores[one], scores.get(parents[0])) for one, parents in tried["parents"].items())  # type: ignore[index]
        failures = int(_failed(tried["status"]).sum())
        rate = wins / len(tried) if len(tried) else 0.0
        chance = probability.get(str(operator), float("nan"))
        rows.append((operator, len(tried), wins, rate, failures, len(made) - len(tried), chance))
    names = ["operator", "tries", "wins", "success_rate", "failures", "duplicates", "probability"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values(["success_rate", "tries"], ascending=False, kind="stable", ignore_index=True)


def _better(score: float | None, bar: float | None) -> bool:
    return score is not None and (bar is None or score > bar)


def _probabilities(record: Record) -> dict[str, float]:
    """Return the last recorded probability of each operator."""
    if "credit" not in record.progress:
        return {}
    recorded = [credit for credit in record.progress["credit"] if isinstance(credit, Mapping)]
    found = {name: finite(facts.get("probability")) for name, facts in (recorded[-1] if recorded else {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def summary_table(journal: Readable) -> pd.DataFrame:
    """Return the facts of a run as two columns, fact and value (texts); only what is known."""
    import pandas as pd

    record = Record.of(journal)
    facts = {**_data_facts(record), **_search_facts(record), **_result_facts(record)}
    rows = [(name, value) for name, value in facts.items() if value not in (None, "")]
    return pd.DataFrame(rows, columns=["fact", "value"])


def _data_facts(record: Record) -> dict[str, str | None]:
    settings = record.settings
    classes = settings.get("classes")
    return {
        "task": _text(settings.get("task")),
        "table": _text(settings.get("table")),
        "target": _text(settings.get("target")),
        "rows": _text(settings.get("n_rows")),
        "columns": _text(settings.get("n_features")),
        "classes": ", ".join(map(str, classes)) if classes else None,
        "columns to predict": "; ".join(map(_output_text, settings.get("outputs") or ())) or None,
    }


def _output_text(output: Mapping[str, Any]) -> str:
    """Return the name of a column of the target, with its classes if they are not just 0 and 1."""
    classes = [str(one) for one in output.get("classes") or ()]
    return f"{output['name']} ({', '.join(classes)})" if classes not in ([], ["0", "1"]) else str(output["name"])


def _search_facts(record: Record) -> dict[str, str | None]:
    individuals, summary = record.individuals, record.summary
    told = individuals["status"] != PENDING
    evaluated = told & individuals["duplicate_of"].isna()
    failures = int((evaluated & _failed(individuals["status"])).sum())
    ended = individuals["status"][evaluated].value_counts()
    generations = len(record.progress) or None
    return {
        "metric": record.metric,
        "objectives": ", ".join(record.objectives),
        "algorithm": _text(record.settings.get("algorithm")),
        "budget": mapping_text(record.settings.get("budget")),
        "seed": _text(record.settings.get("seed")),
        "candidates asked": str(len(individuals)),
        "evaluations": str(summary.get("evaluations", int(evaluated.sum()))),
        "stopped early by racing": str(ended.get(Status.PRUNED, 0)),
        "refused for lack of time": _text(ended.get(Status.VETOED)),
        "failures": str(failures),
        "exact duplicates": str(int((told & individuals["duplicate_of"].notna()).sum())),
        "same predictions as an earlier one": str(int(individuals["equivalent_to"].notna().sum())),
        "steps recalled from the cache": f"{individuals['recalled_steps'].sum():.0f}",
        "seconds saved by recalling": f"{individuals['saved_seconds'].sum():.1f}",
        "generations": _text(generations),
        "seconds": f"{record.seconds:.1f}",
        "stopped by": _text(summary.get("stopped_by")) if record.finished else "not finished",
    }


def _result_facts(record: Record) -> dict[str, str | None]:
    if record.best is None:
        return {"best candidate": "none: no candidate was scored"}
    row = record.scored.loc[record.best]
    spread = finite(fold_std(row["fold_scores"].get(record.metric, ())))
    holdout, expected = record.summary.get("holdout") or {}, record.summary.get("expected") or {}
    return {
        "best candidate": str(record.best),
        "best pipeline": readable_pipeline(row["text"]),
        "selection score": score_text(row["selection"]) + (f" ± {spread:.4f} over folds" if spread is not None else ""),
        "selection score of the ensemble": score_text(record.ensemble.get("score")),
        **_around_facts(record),
        "estimated score on new rows": interval_text(expected),
        "hold-out score": interval_text({**holdout, "value": holdout.get("score")}),
        "score of a constant prediction": score_text(record.baseline),
    }


def _around_facts(record: Record) -> dict[str, str | None]:
    """Return what was put around the model in the end, and the score with it."""
    around = record.summary.get("around") or {}
    return {"around the model": around.get("written"), "selection score with it": score_text(around.get("score"))}


def score_text(value: Any) -> str:
    """Return a score with four decimals (four digits for large ones); empty for what is no finite number."""
    number = finite(value)
    if number is None:
        return ""
    return f"{number:.4f}" if abs(number) < 1000 else f"{number:.4g}"


def interval_text(expected: Mapping[str, Any]) -> str:
    """Return an estimated score with its interval; empty where there is none."""
    value, low, high = (score_text(expected.get(name)) for name in ("value", "low", "high"))
    return f"{value} (95 % interval {low} to {high})" if low and high else value


def mapping_text(value: Any) -> str:
    """Return ``{"seconds": 60, "evaluations": None}`` as ``"seconds 60"``, other values as they are."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {mapping_text(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(mapping_text(one) for one in value)
    return _text(value) or ""


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
