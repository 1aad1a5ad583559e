"""A genome space small enough to see through: strings of digits, the more nines the better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoml.core import Candidate, Evaluation, Outcome, Status, Trial


class DigitSpace:
    """Strings of ``length`` digits; ``mutate`` changes one digit, ``cross`` joins two parents at a random place."""

    operators = {"mutate": 1, "cross": 2}  # noqa: RUF012

    def __init__(self, length: int = 6) -> None:
        self.length = length

    def sample(self, positions: Sequence[int], streams: Sequence[np.random.Generator]) -> list[str]:
        return ["".join(map(str, rng.integers(10, size=self.length))) for rng in streams]

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[str]],
        streams: Sequence[Any],
        trials: Sequence[Trial] = (),
    ) -> list[str]:
        return [
            getattr(self, name)(*mating, rng) for name, mating, rng in zip(operators, parents, streams, strict=True)
        ]

    def mutate(self, parent: str, rng: np.random.Generator) -> str:
        at = rng.integers(self.length)
        return parent[:at] + str(rng.integers(10)) + parent[at + 1 :]

    def cross(self, first: str, second: str, rng: np.random.Generator) -> str:
        at = rng.integers(self.length)
        return first[:at] + second[at:]

    def key(self, genome: str) -> str:
        return f"key of {genome}"

    def complexity(self, genome: str) -> float:
        return float(len(set(genome)))

    def parse(self, text: str) -> str:
        return text


def told(candidate: Candidate, *, fails: bool = False) -> Outcome:
    """Return the outcome of a candidate of this space: the sum of its digits, and few different ones; each digit is a case."""
    if fails:
        return Outcome(candidate, Evaluation(Status.CRASHED, error="worker lost"))
    digits = [int(digit) for digit in candidate.genome]
    cases = np.array([9 - digit for digit in digits], dtype=np.float16)
    return Outcome(candidate, Evaluation(Status.OK, cases=cases), (float(sum(digits)), -float(len(set(digits)))))
