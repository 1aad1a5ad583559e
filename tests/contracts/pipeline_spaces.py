"""Pipeline spaces over small tables of each kind, shared by the tests of pipeline trees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from evoml.components import Catalogue, load_catalogue
from evoml.core.dataset import Dataset, read_dataset
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

KINDS = ("dense", "numeric", "table")
TASKS = ("classification", "regression")
N_ROWS = 60


@cache
def dataset(task: str, kind: str) -> Dataset:
    """Return 60 rows of a kind: finite numbers, numbers with gaps, or a table with text and gaps."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(N_ROWS, 5)) * [1, 10, 0.1, 3, 1]
    signal = numbers[:, 0] + numbers[:, 1] / 10
    target = np.digitize(signal, [-0.5, 0.5]) if task == "classification" else signal
    if kind != "dense":
        numbers[rng.random(numbers.shape) < 0.1] = np.nan
    if kind != "table":
        return read_dataset(numbers, target, task)
    frame = pd.DataFrame(numbers, columns=list("abcde"))
    frame["city"] = rng.choice(["Bonn", "Kiel", "Ulm", None], size=N_ROWS)
    frame["code"] = rng.choice([f"code {i}" for i in range(30)], size=N_ROWS)
    return read_dataset(frame, target, task)


def space(
    task: str = "classification",
    kind: str = "dense",
    initial: Sequence[Any] = (),
    catalogue: Catalogue | None = None,
    **limits: int,
) -> PipelineSpace:
    """Return the space of pipelines on the small table of a kind, which may be fitted on two thirds of its rows."""
    data = dataset(task, kind)
    facts = DataFacts(
        task=task,
        kind=data.features.kind,
        n_rows=data.n_rows * 2 // 3,
        n_features=data.n_features,
        n_classes=0 if data.classes is None else len(data.classes),
        class_rows=data.class_rows * 2 // 3,
        complete_numbers=data.features.complete_numbers,
    )
    return PipelineSpace(catalogue or load_catalogue(), facts, initial, **limits)
