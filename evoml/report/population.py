"""Populations over time: how diverse they are in structure and behaviour, how large they grow, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.report.record import Readable, Record
from evoml.report.structure import entropy, mean_distance, structure

if TYPE_CHECKING:
    import pandas as pd

QUARTERS = (0.25, 0.5, 0.75)
DIVERSITY = ("members", "distinct", "behaviours", "entropy", "distance", "score_spread")
GROWTH = ("size_low", "size", "size_high", "score_low", "score", "score_high", "best_size", "best_score")


def diversity(journal: Readable) -> pd.DataFrame:
    """Return how diverse the population was after each generation.

    Columns: generation; members; distinct (canonical forms among them); behaviours (distinct semantics: two that share
    one give the same out-of-fold predictions); entropy (of how often each part occurs, in bits); distance (mean share of
    subtrees that two members do not have in common, 0 to 1; nan where it is not known); score_spread (between the
    quartiles of their scores).
    """
    return _series(Record.of(journal))[["generation", *DIVERSITY]]


def growth(journal: Readable) -> pd.DataFrame:
    """Return size against score after each generation: growth without gain is bloat.

    Columns: generation; size and score (medians over the population), with ``_low`` and ``_high`` (quartiles); best_size
    and best_score (of the best candidate so far).
    """
    return _series(Record.of(journal))[["generation", *GROWTH]]


def _series(record: Record) -> pd.DataFrame:
    import pandas as pd

    if record.populations:
        rows = _of_members(record)
    else:
        recorded = record.progress.get("population", default=())
        told = zip(record.progress["generation"], record.progress["best_score"], recorded, strict=False)
        rows = [_recorded(int(at), best, figures) for at, best, figures in told if isinstance(figures, Mapping)]
    return pd.DataFrame(rows, columns=["generation", *DIVERSITY, *GROWTH])


def _of_members(record: Record) -> list[dict[str, Any]]:
    table, sizes, scores = record.individuals, record.sizes, record.selection
    texts, keys = table["text"].to_dict(), table["key"].to_dict()
    meanings = table["semantics"].fillna("").to_dict()
    best_so_far = _Best(record)
    rows = []
    for generation, members in sorted(record.populations.items()):
        best = best_so_far.after(members)
        rows.append(
            {
                "generation": generation,
                "members": len(members),
                "distinct": len({keys[one] for one in members}),
                "behaviours": len({meanings[one] or keys[one] for one in members}),
                "entropy": entropy(part for one in members for part in structure(texts[one]).parts),
                "distance": mean_distance([texts[one] for one in members]),
                **_quarters("size", sizes.loc[members]),
                **_quarters("score", scores.loc[members]),
                "best_size": sizes.get(best, np.nan),
                "best_score": scores.get(best, np.nan),
            }
        )
        rows[-1]["score_spread"] = rows[-1]["score_high"] - rows[-1]["score_low"]
    return rows


class _Best:
    """The best candidate among all that had been told when a population was as it was."""

    def __init__(self, record: Record) -> None:
        table = record.scored
        self._order = record.individuals["sequence"].to_dict()
        self._told = table["sequence"].to_numpy(int)
        best = np.maximum.accumulate(table["selection"].to_numpy(float))
        risen = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
        self._holder = table.index.to_numpy()[risen[np.searchsorted(risen, np.arange(len(table)), side="right") - 1]]

    def after(self, members: Sequence[int]) -> Any:
        """Return its id: of those told up to the youngest member."""
        latest = max(self._order[one] for one in members)
        at = int(np.searchsorted(self._told, latest, side="right")) - 1
        return self._holder[at] if at >= 0 else None


def _quarters(name: str, values: pd.Series) -> dict[str, float]:
    known = values.dropna().to_numpy(float)
    low, middle, high = np.quantile(known, QUARTERS) if len(known) else (np.nan,) * 3
    return {f"{name}_low": low, name: middle, f"{name}_high": high}


def _recorded(generation: int, best: Any, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row from what a run of thousands recorded of its population."""
    row = {"generation": generation, "best_score": best}
    for name in ("size", "score"):
        row |= dict(zip((f"{name}_low", name, f"{name}_high"), figures.get(name) or (np.nan,) * 3, strict=False))
    row["score_spread"] = row["score_high"] - row["score_low"]
    return {**row, **{name: value for name, value in figures.items() if name in (*DIVERSITY, "best_size")}}
