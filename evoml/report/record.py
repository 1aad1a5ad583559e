"""One consistent reading of a journal: everything in this room is made from it, also while the run goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from evoml.core.candidate import Status

if TYPE_CHECKING:
    import pandas as pd

    from evoml.journal import Journal

Readable: TypeAlias = "Journal | Record"

# Kinds of runs whose journals hold the best of a population, not its members.
BY_THE_THOUSAND = ("formulas", "programs")


@dataclass(frozen=True)
class Record:
    """What a journal held at one moment, and what follows from it.

    Attributes
    ----------
    settings, summary : mapping
        As recorded; the summary is empty while the run has not ended.
    individuals, progress : DataFrame
        One row a candidate, indexed by id; one row a generation.
    events : list of (elapsed seconds, kind, detail)
    explanation : mapping
        What is known of the model's doings on its folds; empty if it was not explained, or another model was.
    archive : mapping of id to tuple
        Cell of each candidate in the archive that a run with one ended with.
    descriptors : sequence of str
        What spans that archive.
    """

    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    individuals: pd.DataFrame
    progress: pd.DataFrame
    events: list[tuple[float, str, dict[str, Any]]]
    explanation: Mapping[str, Any] = field(default_factory=dict)
    archive: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)
    descriptors: Sequence[str] = ()

    @classmethod
    def of(cls, journal: Readable) -> Record:
        """Read a journal once; a record is returned as it is."""
        if isinstance(journal, Record):
            return journal
        summary, explanation = journal.get("summary") or {}, journal.get("explanation") or {}
        state = journal.get("state") or {}
        cells = [tuple(niche) for niche in state.get("niches", ())]
        return cls(
            journal.settings or {},
            summary,
            journal.individuals(),
            journal.progress(),
            journal.events(),
            explanation if _explains(explanation, summary) else {},
            dict(zip(state.get("population", ()), cells, strict=False)) if cells else {},
            state.get("descriptors", ()),
        )

    @property
    def finished(self) -> bool:
        return bool(self.summary)

    @cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics, the one that selects first; read off the outcomes where the settings do not say."""
        scoring = self.settings.get("scoring") or []
        named = [scoring] if isinstance(scoring, str) else list(scoring)
        found = dict.fromkeys(metric for folds in self.individuals["fold_scores"] for metric in folds)
        return named + [metric for metric in found if metric not in named]

    @property
    def metric(self) -> str:
        return self.metrics[0] if self.metrics else "score"

    @cached_property
    def objectives(self) -> list[str]:
        """Names of the objectives, one for each number in a candidate's scores."""
        named = list(self.settings.get("objectives") or [])
        count = max((len(scores) for scores in self.individuals["scores"]), default=0)
        usual = ["score", "complexity", *(f"objective {at + 1}" for at in range(2, count))]
        return named if len(named) >= count and named else usual[: max(count, 1)]

    @cached_property
    def score_index(self) -> int:
        return self.objectives.index("score") if "score" in self.objectives else 0

    @cached_property
    def cost_index(self) -> int | None:
        """Index of the objective that stands against the score: complexity where there is one."""
        if "complexity" in self.objectives:
            return self.objectives.index("complexity")
        others = [at for at in range(len(self.objectives)) if at != self.score_index]
        return others[0] if others else None

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Distinct scored candidates in the order they were told, with their ``selection`` score and ``cost``.

        ``cost`` is the second objective as a number to keep small; None for a run of one objective.
        """
        import pandas as pd

        table = self.individuals
        keep = (table["status"] == Status.OK) & table["duplicate_of"].isna()
        finite_score = pd.Series([self.score_of(scores) is not None for scores in table["scores"]], table.index, bool)
        table = table[keep & finite_score]
        table = table.sort_values("sequence").drop_duplicates("key")
        selection = [scores[self.score_index] for scores in table["scores"]]
        cost = [None if self.cost_index is None else -scores[self.cost_index] for scores in table["scores"]]
        return table.assign(selection=pd.Series(selection, table.index, float), cost=pd.Series(cost, table.index))

    def score_of(self, scores: Sequence[float]) -> float | None:
        """Return the selection score among a candidate's ``scores``; None where there is none."""
        value = scores[self.score_index] if len(scores) > self.score_index else None
        return float(value) if value is not None and math.isfinite(value) else None

    @cached_property
    def selection(self) -> pd.Series:
        """The selection score of every candidate, by id; nan for those without one."""
        import pandas as pd

        scores = self.individuals["scores"]
        return pd.Series([self.score_of(values) for values in scores], scores.index, float)

    @cached_property
    def sizes(self) -> pd.Series:
        """Complexity of every candidate, by id; its number of parts in a run without that objective, nan if not known."""
        import pandas as pd

        from evoml.report.structure import structure

        table = self.individuals
        if "complexity" not in self.objectives or self.cost_index is None:
            return pd.Series([structure(text).size for text in table["text"]], table.index, float)
        at = self.cost_index
        return pd.Series([-scores[at] if len(scores) > at else None for scores in table["scores"]], table.index, float)

    @cached_property
    def populations(self) -> dict[int, list[int]]:
        """Ids of the population after each generation; those first scored in it where the run did not record that.

        Empty for kinds of genomes that come by the thousand: their journals hold figures of populations, not the members.
        """
        if self.settings.get("kind") in BY_THE_THOUSAND:
            return {}
        recorded = self.progress.get("population", default=())
        told = set(self.individuals.index[self.individuals["sequence"].notna()])  # a kill may have cost the last one
        members = {
            int(generation): [int(one) for one in ids if one in told]
            for generation, ids in zip(self.progress["generation"], recorded, strict=False)
            if isinstance(ids, list) and ids
        }
        if members:
            return members
        born = self.scored.groupby("generation").groups
        return {int(generation) + 1: list(ids) for generation, ids in born.items()}  # type: ignore[call-overload]

    @cached_property
    def best(self) -> int | None:
        """Id of the candidate the run ended with, or would end with now; None while nothing is scored."""
        named = self.summary.get("best")
        if named in self.scored.index:
            return int(named)  # type: ignore[arg-type]
        if self.scored.empty:
            return None
        ranked = self.scored.reset_index().sort_values(["selection", "cost", "id"], ascending=[False, True, True])
        return int(ranked["id"].iloc[0])

    @cached_property
    def front(self) -> list[int]:
        """Ids of the candidates that no other beats in every objective, best score first."""
        named = [int(one) for one in self.summary.get("front") or () if one in self.scored.index]
        found = named or non_dominated({int(one): scores for one, scores in self.scored["scores"].items()})  # type: ignore[call-overload]
        return sorted(found, key=lambda one: (-self.scored.at[one, "selection"], one))

    @property
    def ensemble(self) -> Mapping[str, Any]:
        """Score of the ensemble that the run ended with, and weights by candidate; empty for a single pipeline."""
        return self.summary.get("ensemble") or {}

    @property
    def baseline(self) -> float | None:
        """Score of a constant predictor on the same folds."""
        return finite((self.summary.get("baseline") or self.settings.get("baseline") or {}).get("score"))

    @property
    def seconds(self) -> float:
        told = self.individuals["told"].max()
        return finite(self.summary.get("seconds")) or finite(told) or 0.0


def _explains(explanation: Mapping[str, Any], summary: Mapping[str, Any]) -> bool:
    """Tell whether an explanation is of the model that a run ended with; a resumed run may have another one."""
    weights = (summary.get("ensemble") or {}).get("weights") or None
    around = (summary.get("around") or {}).get("written")
    return bool(summary) and explanation.get("of") == [summary.get("model"), weights, *([around] if around else [])]


def non_dominated(points: Mapping[int, Sequence[float]]) -> list[int]:
    """Return the ids of the points (all maximised) that no other point dominates; of equal points the first."""
    kept: list[int] = []
    for one in sorted(points, key=lambda one: ([-value for value in points[one]], one)):
        if not any(_at_least(points[other], points[one]) for other in kept):
            kept.append(one)
    return kept


def _at_least(a: Iterable[float], b: Iterable[float]) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=False))


def finite(value: Any) -> float | None:
    """Return ``value`` as a float, or None if it is no finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
