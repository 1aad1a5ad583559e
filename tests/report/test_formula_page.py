"""Fronts of formulas and their page, from a journal alone: of a run that has ended, and of one that has not."""

import math

import pytest

from evoml.core import Candidate, Evaluation, Outcome, Status
from evoml.journal import Journal
from evoml.report import formula_table, write_report
from evoml.report.formula_fronts import formula_fronts
from evoml.report.formula_page import error_over_time
from evoml.report.html import render_report

SETTINGS = {
    "kind": "formulas", "labels": [""], "names": ["mass", "odd <name>"], "loss": "mse", "n_rows": 80, "n_features": 2,
    "algorithm": "nsga2", "seed": 1, "budget": {"generations": 3}, "versions": {"numpy": "2"},
}  # fmt: skip
FIGURES = {"members": 9, "distinct": 5, "behaviours": 9, "entropy": 2.0, "size": [1, 2, 3], "score": [0.1, 0.2, 0.4]}


def journal(labels=("",)):
    """A run of three generations that has found a simple formula, then a better one, for each target."""
    made = Journal.create(None, {**SETTINGS, "labels": list(labels)})
    found = [("2.0 * mass", 0.5, 3.0), ('2.0 * mass + 0.1 * "odd <name>"', 0.25, 7.0), ("mass", 0.9, 1.0)]
    one = 0
    for label in labels:
        for text, error, size in found:
            candidate = Candidate(one, text, f"{label}: {text}", operator=f"front of {label}" if label else "front")
            made.asked([candidate], {})
            made.told([Outcome(candidate, Evaluation(Status.OK), (1 - error, -size))], {})
            one += 1
    for generation, error in ((1, 0.9), (2, 0.5), (3, 0.25)):
        detail = {"best_error": [error] * len(labels), "front": [1] * len(labels), "population": FIGURES}
        made.progressed(generation, 9 * generation, 1 - error, detail)
    return made


def finished(labels=("",)):
    made = journal(labels)
    front = [
        {"text": "3.5", "complexity": 1.0, "error": 1.0, "loss": 8.0, "description": 9.0},
        {"text": "2.5 * x0", "complexity": 3.0, "error": 0.5, "loss": 4.0, "description": 8.0},
        {"text": "2.5 * x0 + x1 / 3.0", "complexity": 7.0, "error": 0.125, "loss": 1.0, "description": 9.0},
    ]
    made.put(
        "summary",
        {
            "stopped_by": "budget", "evaluations": 27, "seconds": 1.5, "cpu_seconds": 1.25,
            "fronts": [front] * len(labels), "chosen": [1] * len(labels),
        },
    )  # fmt: skip
    return made


def test_the_front_of_a_finished_run_is_that_of_its_end():
    (front,) = formula_fronts(finished())
    assert (front.label, front.chosen, front.shown) == ("", 1, 1)
    table = formula_table(finished())
    assert table["text"].tolist() == ["3.5", "2.5 * mass", '2.5 * mass + "odd <name>" / 3']
    assert table["chosen"].tolist() == [False, True, False]
    assert table["score"].tolist() == [0.0, 0.5, 0.875]
    assert table["latex"][1] == r"2.5 \cdot \mathrm{mass}"
    assert "class" not in table


def test_the_front_so_far_holds_what_nothing_simpler_surpasses():
    (front,) = formula_fronts(journal())
    assert front.complexities == (1.0, 3.0, 7.0)
    assert front.errors == pytest.approx((0.9, 0.5, 0.25))
    assert (front.chosen, front.shown) == (None, 2)
    table = formula_table(journal())
    assert table["text"].tolist()[0] == "mass"
    assert all(math.isnan(loss) for loss in table["loss"])
    assert not table["chosen"].any()


def test_several_targets_have_a_front_each():
    for made in (finished(["a", "b"]), journal(["a", "b"])):
        assert [front.label for front in formula_fronts(made)] == ["a", "b"]
        assert formula_table(made)["class"].tolist() == ["a"] * 3 + ["b"] * 3


def test_nothing_found_yet():
    made = Journal.create(None, SETTINGS)
    assert formula_fronts(made) == []
    assert formula_table(made).empty
    assert "No formula has been found yet" in render_report(made)


def test_the_page_of_a_finished_run(tmp_path):
    made = finished()
    page = write_report(made, tmp_path / "r.html").read_text()
    for words in (
        "A search for formulas", "2.5 * mass", "The chosen formula", "mean squared error", "27 formulas, 3 generations",
        "ended because its budget was spent", r"2.5 \cdot \mathrm{mass}", "0.875000", "The population over time",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("<svg") == 6  # typeset, graph, front, time, diversity, growth
    assert "not finished" not in page
    assert "odd &lt;name&gt;" in page
    assert "<name>" not in page
    assert "mathdefault" not in page
    assert render_report(made) == page


def test_the_page_of_a_run_that_goes_on():
    page = render_report(journal())
    assert "This run has not finished." in page
    assert "The best formula so far" in page
    assert '<th class="number">mean squared error</th>' not in page


def test_the_page_of_several_targets_names_them():
    page = render_report(finished(["setosa", "<b>virginica</b>"]))
    assert "setosa: the" in page
    assert "<b>virginica" not in page
    assert page.count("<svg") == 9


def test_errors_fall_on_powers_of_ten():
    seconds, generations = error_over_time(finished()).axes
    assert seconds.get_yscale() == "log"
    assert list(generations.lines[0].get_ydata()) == [0.9, 0.5, 0.25]
    assert all("$" not in label.get_text() for label in seconds.get_yticklabels())
