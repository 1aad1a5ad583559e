"""Several columns to predict, from the command line to a file of predictions."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_linnerud, make_multilabel_classification

from evoml.cli.target import data_from
from evoml.core import DataError

SPACE = """only = ["LogisticRegression", "DecisionTreeClassifier", "MultiOutputClassifier", "Ridge", "MultiOutputRegressor",
"StandardScaler", "RegressorChain", "ClassifierChain"]"""
QUICK = ["--evaluations", 4, "--jobs", 1, "--seed", 1, "--search-space", "space.toml", "--explain", 0, "--out", "r"]


@pytest.fixture
def bodies(here):
    table, target = load_linnerud(return_X_y=True, as_frame=True)
    pd.concat([table, target], axis=1).to_csv("bodies.csv", index=False)
    (here / "space.toml").write_text(SPACE)


@pytest.fixture
def films(here):
    X, y = make_multilabel_classification(90, n_features=4, n_classes=2, random_state=0)
    table = pd.DataFrame(X, columns=list("abcd"))
    table = table.assign(drama=y[:, 0], comedy=y[:, 1], cost=X[:, 0] / 7, age=np.where(y[:, 0], "old", "new"))
    table.to_csv("films.csv", index=False)
    (here / "space.toml").write_text(SPACE)


def test_numbers_from_fit_to_prediction(run, bodies):
    targets = ["--target", "Weight", "--target", "Waist", "--target", "Pulse"]
    result = run("fit", "bodies.csv", *targets, *QUICK, "--holdout", 0.25)
    assert result.exit_code == 0, result.output
    assert "data: 20 rows, 3 columns to predict 'Weight', 'Waist', 'Pulse' from" in result.stderr
    assert "hold-out score (5 rows the search never saw): " in result.stdout
    written = run("predict", "r", "bodies.csv")
    assert written.stdout.splitlines()[0] == "prediction_Weight,prediction_Waist,prediction_Pulse"
    assert len(written.stdout.splitlines()) == 21
    assert "ignored" not in written.stderr
    assert "--proba needs a classifier" in run("predict", "r", "bodies.csv", "--proba").stderr


def test_labels_from_fit_to_probabilities(run, films, here):
    given = ["films.csv", "--target", "drama", "--target", "comedy", "--column", "age=drop", "--metric", "roc_auc"]
    result = run("fit", *given, *QUICK)
    assert result.exit_code == 0, result.output
    assert "task: classification ('drama' holds 2 distinct whole numbers; 'comedy' holds" in result.stderr
    lines = run("predict", "r", "films.csv", "--proba").stdout.splitlines()
    names = ["prediction_drama", "prediction_comedy"]
    names += [f"probability_{label}_{value}" for label in ("drama", "comedy") for value in (0, 1)]
    assert lines[0].split(",") == names
    shown = pd.DataFrame([line.split(",") for line in lines[1:]], columns=names).astype(float)
    assert shown["probability_drama_0"].to_numpy() == pytest.approx(1.0 - shown["probability_drama_1"].to_numpy())
    assert json.loads((here / "r" / "run.json").read_text())["options"]["target"] == ["drama", "comedy"]
    assert run("report", "r").exit_code == 0
    assert run("replay", "r").exit_code == 0


def test_a_file_of_options_may_hold_a_list(run, films, here):
    (here / "options.toml").write_text('target = ["drama", "age"]\ntable = "films.csv"\n')
    result = run("fit", "--config", "options.toml", *QUICK)
    assert result.exit_code == 0, result.output
    assert set(run("predict", "r", "films.csv").stdout.splitlines()[1:]) <= {
        f"{d},{a}" for d in "01" for a in ("old", "new")
    }


def test_columns_of_different_tasks_are_refused(refused, bodies, films):
    mixed = refused("fit", "films.csv", "--target", "drama", "--target", "cost", "--evaluations", 1)
    assert "one model predicts labels or numbers, not both" in mixed
    assert "--target, --group and --weight must name different columns" in refused(
        "fit", "films.csv", "--target", "drama", "--target", "drama"
    )


def test_asked_for_the_task_settles_it():
    table = pd.DataFrame({"a": np.arange(40.0), "few": [0, 1] * 20, "many": np.arange(40.0) / 7})
    with pytest.raises(DataError, match="not both"):
        data_from(table, ["few", "many"])
    data = data_from(table, ["few", "many"], "regression")
    assert data.y.shape == (40, 2)
    assert list(data.X) == ["a"]
