"""Every kind of genome with an evaluation that costs next to nothing: what matters here is how it evolves."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from contracts.array_space import DigitRows
from contracts.array_space import measured as measured_digits
from contracts.fake_space import DigitSpace
from contracts.fake_space import told as told_digits
from contracts.pipeline_spaces import space as pipeline_space

from evoml.core import Evaluation, Outcome, Status
from evoml.core.batches import Measured
from evoml.core.random import mixed
from evoml.genomes.expression.space import ExpressionSpace
from evoml.genomes.program.space import ProgramSpace

pipelines = cache(pipeline_space)


@cache
def formulas() -> Any:
    return ExpressionSpace(["a", "b"], max_length=20, init_length=(1, 5))


@cache
def programs() -> Any:
    return ProgramSpace(scalars=4, vectors=3, matrices=0, initial={"setup": 1, "predict": 2, "learn": 1})


def told_pipeline(candidate, *, fails=False):
    """Return the outcome of a pipeline: the nearer its text is to 150 letters the better, and the fewer steps."""
    if fails:
        return Outcome(candidate, Evaluation(Status.INVALID, error="no"))
    letters = -abs(150.0 - len(str(candidate.genome)))
    cases = (np.array([zlib.crc32(str(candidate.genome).encode(), k) % 97 for k in range(9)]) / 97).astype(np.float16)
    return Outcome(
        candidate, Evaluation(Status.OK, cases=cases), (letters, -float(pipelines().complexity(candidate.genome)))
    )


def measured_formulas(offspring):
    """Return measures of formulas: they are to have 13 nodes and few kinds of them."""
    genomes = offspring.genomes
    used = np.arange(genomes.codes.shape[1]) < genomes.lengths[:, None]
    kinds = np.array([len(set(row[one])) for row, one in zip(genomes.codes, used, strict=True)], dtype=float)
    return _measured(offspring, np.abs(13.0 - genomes.lengths), kinds, np.where(used, genomes.codes, 0))


def measured_programs(offspring):
    """Return measures of programs: they are to have 20 instructions, few of them in the setup."""
    genomes = offspring.genomes
    total = genomes.lengths.sum(axis=1)
    return _measured(offspring, np.abs(20.0 - total), 1.0 + genomes.lengths[:, 0], genomes.lengths)


def _measured(offspring, errors, complexities, numbers):
    keys = np.zeros(len(errors), np.uint64)
    for column in np.ascontiguousarray(numbers, dtype=np.int64).T:
        keys = mixed(keys, column)
    cases = np.column_stack([errors, np.abs(errors - 1), errors**2]).astype(np.float32)
    return Measured(offspring.genomes, np.column_stack([errors.astype(float), complexities]), keys, cases)


#: Spaces of candidates that come one by one, and what they are told.
CANDIDATES = {"digits": (DigitSpace, told_digits), "pipelines": (pipelines, told_pipeline)}
#: Spaces of genomes that come by the thousand, and how they are measured.
ARRAYS = {
    "digits": (DigitRows, measured_digits),
    "formulas": (formulas, measured_formulas),
    "programs": (programs, measured_programs),
}


def one_objective(outcome):
    """Return an outcome with its first score only."""
    return replace(outcome, scores=outcome.scores[:1])
