"""Nothing is learned from the rows that are tested: on labels without meaning, scores are at the level of chance."""

import numpy as np
import pytest

from evoml.components import load_catalogue
from evoml.core.dataset import read_dataset
from evoml.evaluation import Problem, evaluate, scorers, splits
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

ROWS, COLUMNS = 300, 30
FOREST, NEAREST = "(features, n_estimators=20)", "(features, n_neighbors=1)"


def mean_score(task, text, scoring, **metadata):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    y = rng.permutation(np.arange(ROWS) % 2) if task == "classification" else rng.normal(size=ROWS)
    dataset = read_dataset(X, y, task, **metadata)
    facts = DataFacts(task, "dense", 100, COLUMNS, 2 if task == "classification" else 0, 50)
    problem = Problem(dataset, PipelineSpace(load_catalogue(), facts), splits(dataset, 5, 0), scorers(scoring, task), 0)
    found = evaluate(problem, text)
    assert not found.error
    return np.mean(found.fold_scores[scoring])


@pytest.mark.parametrize(
    "text",
    [
        f"LogisticRegression(stack(ExtraTreesClassifier{FOREST}))",
        f"DecisionTreeClassifier(union(stack(RandomForestClassifier{FOREST}), stack(KNeighborsClassifier{NEAREST})))",
        "LogisticRegression(SelectPercentileFClassif(PolynomialFeatures(features), percentile=5))",
        "LogisticRegression(union(features, stack(DecisionTreeClassifier(SelectPercentileFClassif(features)))))",
    ],
)
def test_random_labels_are_predicted_no_better_than_by_chance(text):
    assert abs(mean_score("classification", text, "accuracy") - 0.5) < 0.1


def test_stacked_models_learn_from_predictions_on_rows_they_were_not_fitted_on():
    """The strongest test: had the second model seen fitted predictions, its own folds would be worse than chance here."""
    weight = np.random.default_rng(1).uniform(0.5, 1.5, size=ROWS)
    text = f"LogisticRegression(stack(ExtraTreesClassifier{FOREST}))"
    assert abs(mean_score("classification", text, "accuracy", sample_weight=weight) - 0.5) < 0.1
    groups = np.arange(ROWS) // 3
    assert abs(mean_score("classification", text, "accuracy", groups=groups) - 0.5) < 0.1


def test_random_numbers_are_predicted_no_better_than_by_their_mean():
    text = f"Ridge(union(features, stack(ExtraTreesRegressor{FOREST})))"
    assert mean_score("regression", text, "r2") < 0.05
