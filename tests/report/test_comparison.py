"""Runs beside one another."""

import numpy as np
import pytest

from evoml.core.errors import SettingError
from evoml.report.comparison import (
    caveats,
    parts_used,
    progress_curve,
    records_of,
    results,
    settings_that_differ,
    time_spent,
)
from evoml.report.comparison_page import render_comparison, write_comparison
from evoml.report.comparison_plots import compare_plot, parts_plot, time_plot
from evoml.report.style import to_svg

SETTINGS = {
    "scoring": ["accuracy"], "objectives": ["score", "complexity"], "seed": 1, "algorithm": "nsga2", "n_rows": 9,
    "data_fingerprint": "a", "budget": {"evaluations": 4, "seconds": None}, "versions": {"numpy": "2.0"},
    "feature_names": ["x"],
}  # fmt: skip


@pytest.fixture
def runs(new_run):
    first, second = new_run(SETTINGS), new_run({**SETTINGS, "seed": 2, "algorithm": "<random>", "feature_names": ["y"]})
    for text, score in (("A(features)", 0.5), ("B(features)", 0.4), ("B(A(features))", 0.7)):
        first.scored(text, score)
    for text, score in (("A(features)", 0.5), ("C(features)", 0.6), ("A(features)", 0.5)):
        second.scored(text, score, 3)
    second.failed("D(features)", "no")
    return {"first": first.finish(stopped_by="budget"), "second": second.finish(stopped_by="budget", cpu_seconds=3.25)}


def test_settings_that_differ(runs):
    table = settings_that_differ(records_of(runs))
    assert table.to_numpy().tolist() == [["seed", "1", "2"], ["algorithm", "nsga2", "<random>"]]
    assert caveats(records_of(runs)) == []


def test_runs_on_other_folds_are_told(new_run):
    folds = {name: new_run({**SETTINGS, "fold_rows": name}).finish() for name in ("a", "b")}
    assert "differences within the spread over folds are chance" in caveats(records_of(folds))[0]
    assert settings_that_differ(records_of(folds)).empty


def test_results(runs):
    table = results(records_of(runs)).set_index("fact")
    assert table.loc["best score"].tolist() == ["0.7000", "0.6000"]
    assert table.loc["best candidate"].tolist() == ["A → B", "C"]
    assert table.loc["evaluations"].tolist() == ["3", "3"]
    assert table.loc["failed"].tolist() == ["0 (0%)", "1 (33%)"]
    assert table.loc["evaluations to 0.6000"].tolist() == ["3", "2"]
    assert table.loc["CPU seconds"].tolist() == ["", "3.2"]


def test_curves_rise_and_end_with_the_run(runs):
    curve = progress_curve(records_of(runs)["second"])
    assert curve[:, 1:].tolist() == [[1, 0.5], [2, 0.6], [3, 0.6]]
    assert curve[-1, 0] == 12.5
    assert (np.diff(curve[:, 0]) >= 0).all()


def test_parts_and_time(runs):
    records = records_of(runs)
    used = parts_used(records).set_index("part")
    assert used.loc["B"].tolist() == pytest.approx([2 / 3, 0])
    assert used.loc["C"].tolist() == pytest.approx([0, 1 / 2])
    assert next(iter(used.index)) in ("A", "B")
    spent = time_spent(records).set_index("run")
    assert spent.loc["first"].tolist() == pytest.approx([3.75, 0, 0, 0.75])


def test_runs_that_do_not_compare_are_told(new_run, runs):
    other = new_run({**SETTINGS, "data_fingerprint": "b", "scoring": ["roc_auc"]})
    other.scored("A(features)", 0.5)
    found = caveats(records_of({**runs, "other": other.journal}))
    assert found == [
        "scores do not compare: they saw different tables",
        "scores do not compare: they were scored by different metrics",
        "not finished: other",
    ]


def test_the_page(runs, tmp_path):
    page = write_comparison(runs, tmp_path / "c.html").read_text()
    assert page.count("<svg") == 3
    for words in ("2 runs compared", "first", "&lt;random&gt;", "Settings that differ", "A → B"):
        assert words in page
    assert "<random>" not in page
    assert page == render_comparison(runs)


def test_pictures(runs):
    seconds, evaluations, fronts = compare_plot(runs).axes
    assert list(evaluations.lines[0].get_ydata()) == [0.5, 0.7, 0.7][: len(evaluations.lines[0].get_ydata())]
    assert seconds.get_ylim() == evaluations.get_ylim()
    assert fronts.get_xlabel() == "complexity of the front"
    assert "second" in to_svg(parts_plot(runs), "a")
    assert "fitting" in to_svg(time_plot(runs), "a")


def test_formulas_compare_with_pipelines(runs):
    from test_formula_page import finished

    mixed = {**runs, "formulas": finished()}
    table = results(records_of(mixed)).set_index("fact")
    assert table.loc["chosen formula"].tolist() == ["", "", "2.5 * mass"]
    assert "they searched for different things" in caveats(records_of(mixed))[0]
    assert "kind" in settings_that_differ(records_of(mixed))["setting"].tolist()
    assert "population size" not in settings_that_differ(records_of(mixed))["setting"].tolist()
    assert "3 runs compared" in render_comparison(mixed)


def test_runs_without_a_score(new_run):
    page = render_comparison({"a": new_run({}).journal, "b": new_run({}).journal})
    assert "nothing to compare" in page


def test_one_run_is_no_comparison(runs):
    with pytest.raises(SettingError, match="two runs or more, got 1"):
        records_of({"first": runs["first"]})
