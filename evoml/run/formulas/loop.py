"""The loop over generations of formulas: ask, evaluate, tell, record; and its checkpoints."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.budget import Progress, StopRule
from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.genomes.expression.text import write
from evoml.run.formulas.hall_of_fame import HallOfFame
from evoml.run.loop import Finished

if TYPE_CHECKING:
    from evoml.algorithms.arrays import ArrayAlgorithm, Islands
    from evoml.evaluation.formula_fitness import FormulaFitness
    from evoml.genomes.expression.population import Formula
    from evoml.journal import Journal

CHECKPOINT = "checkpoint"


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
        return replace(self, state=state, hall=self.hall.updated(self.algorithm.space, measured))

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
            state=self.algorithm.restored(_below(arrays, "state.")),
            hall=HallOfFame.restored(self.algorithm.space, _below(arrays, "hall.")),
        )


@dataclass(frozen=True, eq=False)
class Sight:
    """What a callback sees after each generation."""

    progress: Progress
    lineages: Sequence[Lineage]
    improved: bool


@dataclass(frozen=True, eq=False)
class Run:
    """How far a run is: its lineages, all in the same generation, and what is counted."""

    lineages: tuple[Lineage, ...]
    generation: int = 0
    evaluations: int = 0
    improved_at: int = 0
    cpu_seconds: float = 0.0

    def stepped(self) -> Run:
        """Return the run after one more generation of each lineage."""
        lineages = tuple(lineage.stepped() for lineage in self.lineages)
        before = [lineage.hall.counted for lineage in self.lineages]
        improved = [lineage.hall.counted for lineage in lineages] != before
        generation = self.generation + 1
        return replace(
            self,
            lineages=lineages,
            generation=generation,
            evaluations=self.evaluations + sum(_asked(lineage.algorithm) for lineage in lineages),
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

    def content(self) -> bytes:
        """Return the run as a compressed file of arrays."""
        counts = np.array([self.generation, self.evaluations, self.improved_at])
        arrays = {f"{at}/{name}": a for at, one in enumerate(self.lineages) for name, a in one.arrays().items()}
        file = io.BytesIO()
        np.savez_compressed(file, counts=counts, cpu=np.array(self.cpu_seconds), **arrays)  # type: ignore[arg-type]
        return file.getvalue()

    def restored(self, content: bytes) -> Run:
        """Return the run that :meth:`content` told of."""
        with np.load(io.BytesIO(content)) as arrays:
            generation, evaluations, improved_at = map(int, arrays["counts"])
            lineages = tuple(one.restored(_below(arrays, f"{at}/")) for at, one in enumerate(self.lineages))
            return Run(lineages, generation, evaluations, improved_at, float(arrays["cpu"]))


class Recorder:
    """Writes a run into its journal: a row a generation, a candidate for each new formula of a hall, and checkpoints.

    A run that was killed does the generations since its last checkpoint again, and they are the same: rows of
    generations are written over, candidates that are there already are left.
    """

    def __init__(self, journal: Journal, names: Sequence[str], checkpoint_seconds: float) -> None:
        self._journal, self._names, self._every = journal, names, checkpoint_seconds
        self._saved_at = time.monotonic()
        self._asked, self._told = journal.counted()
        self._next = 0

    def resumed(self, run: Run) -> None:
        """Go on after the candidates that a checkpoint knew."""
        self._next = sum(lineage.hall.counted for lineage in run.lineages)

    def generation(self, before: Run, run: Run, progress: Progress) -> None:
        """Record the generation that led from ``before`` to ``run``."""
        outcomes = [
            outcome
            for old, new in zip(before.lineages, run.lineages, strict=True)
            for outcome in self._newcomers(old.hall.counted, new, run.generation)
        ]
        self._journal.asked([one.candidate for one in outcomes if one.candidate.id >= self._asked], {})
        if new := [one for one in outcomes if one.candidate.id >= self._told]:
            self._journal.told(new, {})
        detail = {
            "best_error": [lineage.hall.best for lineage in run.lineages],
            "front": [len(lineage.hall) for lineage in run.lineages],
        }
        self._journal.progressed(progress.generation, progress.evaluations, progress.best_score, detail)
        if self._journal.path is not None and time.monotonic() - self._saved_at >= self._every:
            self.checkpoint(run)

    def checkpoint(self, run: Run) -> None:
        """Record all that is needed to go on."""
        if self._journal.path is not None:
            self._journal.put_bytes(CHECKPOINT, run.content())
        self._saved_at = time.monotonic()

    def _newcomers(self, known: int, lineage: Lineage, generation: int) -> list[Outcome]:
        hall, outcomes = lineage.hall, []
        for at in np.flatnonzero(hall.numbers >= known).tolist():
            assert hall.genomes is not None
            text = write(hall.genomes[at], self._names)
            candidate = Candidate(
                self._next + int(hall.numbers[at]) - known, text, f"{lineage.label}: {text}" if lineage.label else text,
                operator=f"front of {lineage.label}" if lineage.label else "front", generation=generation,
            )  # fmt: skip
            scores = (1.0 - float(hall.errors[at]), -float(hall.complexities[at]))
            outcomes.append(Outcome(candidate, Evaluation(Status.OK), scores))
        self._next += hall.counted - known
        return sorted(outcomes, key=lambda outcome: outcome.candidate.id)


def evolve_formulas(
    run: Run,
    recorder: Recorder,
    journal: Journal,
    rules: Mapping[str, StopRule],
    callbacks: Sequence[Callable[[Sight], object]],
    progress_of: Callable[[Run], Progress],
) -> tuple[Run, Finished]:
    """Go on until a rule says stop. The first Ctrl-C (KeyboardInterrupt) ends the loop; its generation does not count."""
    reason = ""
    try:
        while not (reason := next((name for name, rule in rules.items() if rule(progress_of(run))), "")):
            after = run.stepped()
            progress = progress_of(after)
            recorder.generation(run, after, progress)
            improved, run = after.improved_at == after.generation, after
            for callback in callbacks:
                callback(Sight(progress, run.lineages, improved))
    except KeyboardInterrupt:
        reason = "interrupt"
        journal.event("interrupt")
    recorder.checkpoint(run)
    return run, Finished(reason, progress_of(run), run.evaluations)


def _asked(algorithm: Any) -> int:
    return sum(one.population_size for one in getattr(algorithm, "algorithms", (algorithm,)))


def _below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
