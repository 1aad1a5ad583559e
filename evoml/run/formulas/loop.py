"""A run for formulas: the evolution of each target, stepped generation by generation, and what its journal holds of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms.arrays.figures import looked_at, population_figures
from evoml.core.batches import Measured, Offspring
from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.genomes.expression.text import write
from evoml.run.batches import below, packed, unpacked
from evoml.run.formulas.hall_of_fame import HallOfFame

if TYPE_CHECKING:
    from evoml.algorithms.arrays import ArrayAlgorithm, Islands
    from evoml.core.budget import Progress
    from evoml.evaluation.formula_fitness import FormulaFitness
    from evoml.genomes.expression.population import Formula

PROMISING = 20  # of each generation that is judged on some rows only, those that are judged on all of them


@dataclass(frozen=True, eq=False)
class Lineage:
    """The evolution of formulas for one target: what drives it, and how far it has come."""

    label: str
    algorithm: ArrayAlgorithm | Islands
    fitness: FormulaFitness
    state: Any
    hall: HallOfFame

    def stepped(self) -> Lineage:
        """Return the lineage after one more generation."""
        offspring = self.algorithm.ask(self.state)
        measured = self.fitness.evaluate(offspring)
        state = self.algorithm.tell(self.state, offspring, measured)
        known = measured if offspring.share == 1.0 else self.fitness.evaluate(_promising(offspring, measured))
        return replace(self, state=state, hall=self.hall.updated(self.algorithm.space, known))

    def best(self, count: int) -> list[Formula]:
        """Return the members of least error, at most ``count``, best first."""
        found: list[tuple[float, Formula]] = []
        for island in getattr(self.state, "islands", (self.state,)):
            if island.members is not None:
                errors = island.members.objectives[:, 0]
                order = np.argsort(errors, kind="stable")[:count]
                found += [(float(errors[at]), island.members.genomes[at]) for at in order if np.isfinite(errors[at])]
        return [formula for _, formula in sorted(found, key=lambda pair: pair[0])[:count]]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that changes, as named arrays."""
        return {
            **{f"state.{name}": array for name, array in self.algorithm.arrays(self.state).items()},
            **{f"hall.{name}": array for name, array in self.hall.arrays(self.algorithm.space).items()},
        }

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Lineage:
        """Return the lineage that :meth:`arrays` told of."""
        return replace(
            self,
            state=self.algorithm.restored(below(arrays, "state.")),
            hall=HallOfFame.restored(self.algorithm.space, below(arrays, "hall.")),
        )


@dataclass(frozen=True, eq=False)
class Sight:
    """What a callback sees after each generation."""

    progress: Progress
    lineages: Sequence[Lineage]
    improved: bool


@dataclass(frozen=True, eq=False)
class Run:
    """How far a run is: its lineages, all in the same generation, and what is counted.

    names: of the columns, for the texts of formulas.
    """

    lineages: tuple[Lineage, ...]
    names: tuple[str, ...]
    generation: int = 0
    evaluations: int = 0
    improved_at: int = 0
    cpu_seconds: float = 0.0

    def stepped(self, progress: Progress) -> Run:
        """Return the run after one more generation of each lineage."""
        lineages = tuple(lineage.stepped() for lineage in self.lineages)
        before = [lineage.hall.counted for lineage in self.lineages]
        improved = [lineage.hall.counted for lineage in lineages] != before
        generation = self.generation + 1
        return replace(
            self,
            lineages=lineages,
            generation=generation,
            evaluations=self.evaluations + sum(lineage.algorithm.asks(lineage.state) for lineage in self.lineages),
            improved_at=generation if improved else self.improved_at,
        )

    @property
    def best_score(self) -> float:
        """Mean over the targets of 1 - error / error of the best constant: R2 for squared errors."""
        return float(np.mean([1.0 - lineage.hall.best for lineage in self.lineages]))

    @property
    def worst(self) -> float:
        """The greatest of the targets' least errors."""
        return max(lineage.hall.best for lineage in self.lineages)

    @property
    def candidates(self) -> int:
        return sum(lineage.hall.counted for lineage in self.lineages)

    def newcomers(self, before: Run) -> list[Outcome]:
        """Return the formulas that have come into a hall of fame since ``before`` and are in it."""
        found, first = [], before.candidates
        for old, new in zip(before.lineages, self.lineages, strict=True):
            found += self._newcomers(new, old.hall.counted, first)
            first += new.hall.counted - old.hall.counted
        return sorted(found, key=lambda outcome: outcome.candidate.id)

    def _newcomers(self, lineage: Lineage, known: int, first: int) -> list[Outcome]:
        hall, label, outcomes = lineage.hall, lineage.label, []
        for at in np.flatnonzero(hall.numbers >= known).tolist():
            assert hall.genomes is not None
            text = write(hall.genomes[at], self.names)
            candidate = Candidate(
                first + int(hall.numbers[at]) - known, text, f"{label}: {text}" if label else text,
                operator=f"front of {label}" if label else "front", generation=self.generation,
            )  # fmt: skip
            scores = (1.0 - float(hall.errors[at]), -float(hall.complexities[at]))
            outcomes.append(Outcome(candidate, Evaluation(Status.OK), scores))
        return outcomes

    def detail(self) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "best_error": [lineage.hall.best for lineage in self.lineages],
            "front": [len(lineage.hall) for lineage in self.lineages],
        }
        if looked_at(self.generation):
            space = self.lineages[0].algorithm.space
            detail["population"] = population_figures([lineage.state for lineage in self.lineages], space)
        return detail

    def sight(self, progress: Progress, improved: bool) -> Sight:
        return Sight(progress, self.lineages, improved)

    def content(self, cpu_seconds: float) -> bytes:
        """Return the run as a compressed file of arrays."""
        counts = np.array([self.generation, self.evaluations, self.improved_at])
        arrays = {f"{at}/{name}": a for at, one in enumerate(self.lineages) for name, a in one.arrays().items()}
        return packed({"counts": counts, "cpu": np.array(cpu_seconds), **arrays})

    def restored(self, content: bytes) -> Run:
        """Return the run that :meth:`content` told of."""
        arrays = unpacked(content)
        generation, evaluations, improved_at = map(int, arrays["counts"])
        lineages = tuple(one.restored(below(arrays, f"{at}/")) for at, one in enumerate(self.lineages))
        return Run(lineages, self.names, generation, evaluations, improved_at, float(arrays["cpu"]))


def _promising(offspring: Offspring, measured: Measured) -> Offspring:
    """Return the best of what was judged on some rows, to be judged on all of them: a hall knows nothing else."""
    best = np.argsort(measured.objectives[:, 0], kind="stable")[:PROMISING]
    return Offspring(measured.genomes.take(best), offspring.keys[best], offspring.ages[best])
