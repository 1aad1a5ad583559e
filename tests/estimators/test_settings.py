"""Parameters: each does what it says, and each mistake is one clear error."""

import logging
import math
import time

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_fits import classifier, numbers

from evoml import EvoClassifier, load_catalogue
from evoml.core.errors import BudgetError, SearchSpaceError, SettingError
from evoml.estimators.parameters import budget, worker_memory

X, Y = numbers()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scoring": "acuracy"}, "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        ({"algorithm": "regularized"}, "unknown algorithm 'regularized'; did you mean 'regularised'?"),
        ({"executor": "serail"}, "unknown executor 'serail'; did you mean 'serial'?"),
        (
            {"scoring": ["accuracy", "neg_log_loss"], "objectives": ["neg_log_loss", "complexity"]},
            "the first objective is 'neg_log_loss', but the first metric in scoring 'accuracy'",
        ),
        ({"objectives": ["score", "complexty"]}, "unknown objective 'complexty'; did you mean 'complexity'?"),
        ({"search_space": {"only": ["GausianNB"]}}, "no such part in the catalogue; did you mean 'GaussianNB'?"),
        ({"search_space": {"only": ["StandardScaler"]}}, "the search space has no classification model"),
        ({"search_space": 7}, "must be a TOML file's path, a mapping or a Catalogue, got 7"),
        ({"search_space": "no/such.toml"}, "no/such.toml: cannot be read"),
        ({"initial_pipelines": ["GausianNB(features)"]}, "there is no part 'GausianNB' in the search space"),
        ({"cv": 1}, "cv must be at least 2 folds, got 1"),
        ({"cv": "x"}, "cv must be a number of folds, a splitter, 'time', or a list of (train, test) rows, got 'x'"),
        ({"n_jobs": 0}, "n_jobs must be a whole number other than 0"),
        ({"memory_limit": "lots"}, "memory_limit must be a number of bytes or a text such as '4GB', got 'lots'"),
        ({"population_size": None}, "population_size must be a positive whole number, got None"),
    ],
)
def test_an_unknown_setting_is_refused_with_a_suggestion(changes, message):
    with pytest.raises((SettingError, SearchSpaceError, BudgetError)) as caught:
        classifier(**changes).fit(X, Y)
    assert message in str(caught.value)


NUMBERS = [
    "generations", "max_evaluations", "max_time_mins", "max_cpu_mins", "max_eval_time_mins", "population_size", "early_stop",
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "5", True, [3]])
def test_what_is_no_bound_is_refused_and_named(name, value):
    with pytest.raises(BudgetError, match=f"{name}.* must be .*, got "):
        classifier(**{name: value}).fit(X, Y)


@pytest.mark.parametrize("name", ["generations", "max_evaluations", "population_size", "early_stop"])
def test_a_bound_of_things_must_be_whole(name):
    with pytest.raises(BudgetError, match="must be a positive whole number"):
        classifier(**{name: 2.5}).fit(X, Y)


def test_without_any_bound_it_is_five_minutes():
    assert budget(None, None, None).seconds == 300
    assert budget(None, 7, None).seconds is None
    assert budget(3, 7, 0.5) == budget(np.int64(3), 7.0, np.float64(0.5))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 2**32), ("4 gib", 2**32), ("512M", 2**29), ("1.5kb", 1536), ("100", 100), ("2TB", 2**41),
        (5000, 5000), (1e9, 10**9), (np.int64(7), 7), ("7B", 7),
    ],
)  # fmt: skip
def test_memory_limits_are_read(text, size):
    assert worker_memory(text, 2) == size


@pytest.mark.parametrize("wrong", ["", "GB", "1.2.3GB", ".", "4XB", "-1GB", "0", 0, -5, math.nan, True, [1]])
def test_what_is_no_memory_limit_is_refused(wrong):
    with pytest.raises(BudgetError, match="memory_limit"):
        worker_memory(wrong, 2)


def test_without_a_memory_limit_workers_share_the_machine():
    assert worker_memory(None, 10**6) == 2**30
    assert worker_memory(None, 1) >= worker_memory(None, 2)


# -- what they do ------------------------------------------------------------------------------------------------------------


def test_callbacks_are_called_after_every_outcome():
    seen = []
    model = classifier(callbacks=[lambda progress, outcome: seen.append((progress.asked, outcome.candidate.id))])
    model.fit(X, Y)
    told = model.evaluated_individuals_.dropna(subset=["sequence"])
    assert [index for _, index in seen] == told.index.tolist()
    assert [asked for asked, _ in seen] == [index + 1 for index in told.index]


@pytest.mark.parametrize("verbose", [1, 2])
def test_verbose_logs_improvements_or_everything(verbose, caplog):
    with caplog.at_level(logging.INFO, logger="evoml"):
        model = classifier(verbose=verbose).fit(X, Y)
    told = len(model.evaluated_individuals_.dropna(subset=["sequence"]))
    lines = [record.getMessage() for record in caplog.records if record.name == "evoml"]
    assert len(lines) == told if verbose == 2 else 1 <= len(lines) < told
    assert all(" s  " in line and "evaluations  best 0." in line for line in lines)


def test_without_verbose_nothing_is_said(caplog, capfd):
    with caplog.at_level(logging.INFO):
        classifier().fit(X, Y)
    assert not [record for record in caplog.records if record.name == "evoml"]
    assert capfd.readouterr() == ("", "")


def test_a_narrow_search_space_is_kept_to():
    space = load_catalogue({"only": ["DecisionTreeClassifier", "PCA"]}).narrowed(
        "DecisionTreeClassifier", "max_depth", low=2, high=3
    )
    texts = classifier(search_space=space, max_evaluations=25).fit(X, Y).evaluated_individuals_["text"]
    words = {word for text in texts for word in text.replace("(", " ").replace(",", " ").replace(")", " ").split()}
    assert {word for word in words if word[0].isupper()} == {"DecisionTreeClassifier", "PCA", "None"} - (
        {"None"} - words
    )
    depths = {word for word in words if word.startswith("max_depth=")}
    assert depths <= {"max_depth=2", "max_depth=3"}


def test_a_search_space_may_be_a_file(tmp_path):
    (tmp_path / "space.toml").write_text('only = ["GaussianNB"]')
    texts = classifier(search_space=tmp_path / "space.toml", max_evaluations=3).fit(X, Y).evaluated_individuals_["text"]
    assert all("GaussianNB" in text for text in texts)


@pytest.mark.parametrize(
    "initial",
    [
        ["GaussianNB(StandardScaler(features), var_smoothing=0.001)", "DecisionTreeClassifier(features, max_depth=2)"],
        [
            make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.001)),
            "DecisionTreeClassifier(features, max_depth=2)",
        ],
    ],
)
def test_initial_pipelines_are_evaluated_first(initial):
    texts = classifier(initial_pipelines=initial).fit(X, Y).evaluated_individuals_["text"]
    assert texts[0].startswith("GaussianNB(StandardScaler(features), var_smoothing=0.001")
    assert texts[1].startswith("DecisionTreeClassifier(features")
    assert "max_depth=2" in texts[1]


@pytest.mark.parametrize("initial", ["GaussianNB(features)", make_pipeline(StandardScaler(), GaussianNB())])
def test_a_single_initial_pipeline_need_not_be_in_a_list(initial):
    texts = classifier(initial_pipelines=initial, max_evaluations=2).fit(X, Y).evaluated_individuals_["text"]
    assert texts[0].startswith("GaussianNB(")


def test_a_bound_on_one_evaluation_stops_slow_ones():
    started = time.monotonic()
    with pytest.warns(UserWarning, match="no pipeline could be scored"):
        model = classifier(max_eval_time_mins=1e-9, max_evaluations=3).fit(X, Y)
    told = model.evaluated_individuals_.dropna(subset=["sequence"])
    assert set(told["status"]) == {"TIMEOUT"}
    assert time.monotonic() - started < 10


def test_a_time_budget_is_kept():
    started = time.monotonic()
    model = EvoClassifier(max_time_mins=3 / 60, random_state=0).fit(X, Y)
    assert time.monotonic() - started < 1.1 * 3 + 1
    assert model.stopped_by_ == "budget"
    assert model.score(X, Y) > 0.7
