"""Pipelines over tables with free text: what the grammar lets them be, and that they fit."""

import re

import numpy as np
import pandas as pd
import pytest

from evoml.components import load_catalogue
from evoml.core.dataset import read_dataset
from evoml.core.random import stream
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

ROWS = 60
WORDS = ["late", "item", "delivery", "again", "please", "order", "parcel", "shop"]


def table(categories: bool, gaps: bool):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"n": rng.normal(size=ROWS), "t": [" ".join(rng.choice(WORDS, 6)) for _ in range(ROWS)]})
    if categories:
        frame["c"] = rng.choice(["x", "y", "z"], ROWS)
    if gaps:
        frame.loc[::7, "n"] = np.nan
    return read_dataset(frame, (frame["t"].str.count("late") > 0).astype(int), "classification")


def space(data) -> PipelineSpace:
    features = data.features
    facts = DataFacts(
        "classification",
        features.kind,
        n_rows=40,
        n_features=data.n_features,
        n_classes=2,
        class_rows=10,
        complete_numbers=features.complete_numbers,
        has_categories=features.has_categories,
    )
    return PipelineSpace(load_catalogue(), facts)


@pytest.mark.parametrize(
    ("categories", "gaps", "expected"),
    [
        (True, True, "StandardScaler(SimpleImputer(OneHotEncoder(TextEncoder(features"),
        (True, False, "StandardScaler(OneHotEncoder(TextEncoder(features"),
        (False, True, "StandardScaler(SimpleImputer(TextEncoder(features"),
        (False, False, "StandardScaler(TextEncoder(features"),
    ],
)
def test_a_known_pipeline_gets_what_its_table_needs(categories, gaps, expected):
    data = table(categories, gaps)
    of = space(data)
    text = str(of.adapted("LogisticRegression(StandardScaler(features))"))
    assert expected in text
    assert of.build(text, 0).fit(data.features.data, data.y).score(data.features.data, data.y) > 0.7
    nonnegative = str(of.adapted("MultinomialNB(features)"))
    assert "MinMaxScaler(" in nonnegative
    of.build(nonnegative, 0).fit(data.features.data, data.y)


@pytest.mark.parametrize("categories", [True, False])
def test_random_pipelines_encode_texts_before_all_else_and_fit(categories):
    data = table(categories, gaps=True)
    of = space(data)
    light = [tree for at in range(40) if _is_light(of, tree := of.random(stream(at)))]
    assert len(light) >= 10
    for tree in light[:10]:
        text = str(tree)
        assert len(re.findall(r"Text(Encoder|Summary)\(features", text)) == text.count("(features")
        assert str(of.parse(text)) == text
        of.build(text, 0).fit(data.features.data, data.y).predict(data.features.data)


def _is_light(of, tree) -> bool:
    parts = [of.catalogue.get(of.plan(tree).part(node)) for node in of.plan(tree).nodes]
    return all(part is None or (part.cost == "light" and part.compiled is None) for part in parts)


def test_tables_without_text_know_nothing_of_its_encoders():
    numbers = read_dataset(np.random.default_rng(0).normal(size=(ROWS, 3)), np.arange(ROWS) % 2, "classification")
    assert "TextEncoder" not in space(numbers).grammar.primitives.mapping
    assert "HashingEncoder" not in space(table(categories=False, gaps=False)).grammar.primitives.mapping
