"""What the page and the pictures say of a model that was explained, drawn from the journal alone."""

import pytest
from explanations import HOSTILE, explanation

from evoml.report import explanation_tables, plot
from evoml.report.html import render_report
from evoml.report.style import ORIGIN, to_svg

TEXT = "GaussianNB(features)"
PICTURES = ("importance", "dependence", "slices", "curves", "calibration", "confusion", "residuals")


@pytest.fixture(scope="module")
def known():
    """Explanations by number of classes; 0 for a regression. Those of 2 classes and of a regression have bad slices."""
    names = {0: None, 2: ["no", "yes"], 3: ["a", "b", "<u>c</u>"]}
    return {count: explanation(TEXT, classes, hard=count != 3) for count, classes in names.items()}


@pytest.fixture
def journal_of(new_run, known):
    """A journal of a finished run whose model was explained: ``journal_of(n_classes)``."""

    def make(n_classes, **changes):
        settings = {"task": "regression" if n_classes == 0 else "classification", "target": "grade", "folds": 3}
        classes = {0: [], 2: ["no", "yes"], 3: ["a", "b", "<u>c</u>"]}[n_classes]
        run = new_run({**settings, "classes": classes, "scoring": ["accuracy"]})
        run.scored(TEXT, 0.9)
        journal = run.finish(model=TEXT, best=0)
        journal.put("explanation", {**known[n_classes], **changes})
        return journal

    return make


@pytest.mark.parametrize(
    ("n_classes", "shown"),
    [
        (0, {"importance", "dependence", "slices", "residuals"}),
        (2, {"importance", "dependence", "slices", "curves", "calibration", "confusion"}),
        (3, {"importance", "dependence", "curves", "calibration", "confusion"}),
    ],
)
def test_each_picture_is_there_where_it_means_something(journal_of, n_classes, shown):
    journal = journal_of(n_classes)
    for what in PICTURES:
        svg = to_svg(plot(journal, what), what)
        assert (ORIGIN in svg) == (what in shown), what


def test_the_page_says_what_its_rows_are_and_what_was_found(journal_of):
    page = render_report(journal_of(2))
    assert page.count(ORIGIN) == 6
    assert "selected on these same folds" in page
    assert "the training rows of\n3 folds" in page
    assert "Matthews correlation" in page
    assert "grade = yes" in page
    assert "Where it errs most" in page
    assert "Which columns it needs" in page
    assert len(page) < 1_500_000


def test_a_regression_tells_how_far_off_it_is(journal_of):
    page = render_report(journal_of(0))
    assert "root mean squared error" in page
    assert "Predictions\nare off by at most" in page
    assert "ROC" not in page


def test_where_nothing_stands_out_the_page_says_so(journal_of, known):
    slices = {**known[2]["slices"], "worst": []}
    page = render_report(journal_of(2, slices=slices))
    assert "No part of the table stands out" in page
    assert "errs more than chance explains" in to_svg(plot(journal_of(2, slices=slices), "slices"), "slices")


def test_names_from_the_data_are_escaped_and_no_formulas(journal_of):
    page = render_report(journal_of(3))
    assert HOSTILE not in page
    assert "&lt;b&gt;&amp;$x_1$" in page
    for tag in ("<i>green", "<u>c"):
        assert tag not in page


def test_fewer_folds_and_failures_are_told(journal_of):
    changes = {"folds": 1, "notes": ["time sufficed for 1 of 3 folds", "slices could not be worked out: no"]}
    page = render_report(journal_of(2, **changes, slices=None, importance=None, dependence=[]))
    assert "1 of 3 folds" in page
    assert "Note: slices could not be worked out: no." in page
    assert "Which columns it needs" not in page
    assert "Where it errs most" not in page


def test_without_an_explanation_the_page_says_how_to_get_one(run):
    run.scored(TEXT, 0.9)
    page = render_report(run.finish(model=TEXT))
    assert "evoml explain FOLDER" in page
    assert "model.report(&#34;report.html&#34;, X, y)" in page or 'model.report("report.html", X, y)' in page
    assert "has not been explained" in to_svg(plot(run.journal, "importance"), "importance")


@pytest.mark.parametrize("summary", [{"model": "SVC(features)"}, {"model": TEXT, "ensemble": {"weights": {"0": 1.0}}}])
def test_an_explanation_of_another_model_is_not_shown(journal_of, summary):
    journal = journal_of(2)
    journal.put("summary", {"best": 0, **summary})
    page = render_report(journal)
    assert "Matthews correlation" not in page
    assert "has not been explained yet" in page


def test_tables(journal_of, known, run):
    tables = explanation_tables(journal_of(2))
    assert list(tables["importance"]) == ["column", "mean", "std", "fold_0", "fold_1", "fold_2"]
    assert tables["importance"]["column"].tolist() == known[2]["importance"]["columns"]
    assert tables["slices"]["where"].tolist() == [one["where"] for one in known[2]["slices"]["worst"]]
    assert tables["measures"]["mean"].between(0, 1).all()
    run.scored(TEXT, 0.9)
    assert all(table.empty for table in explanation_tables(run.finish(model=TEXT)).values())


def test_one_fold_and_one_repeat_are_drawn_without_spread(journal_of, known):
    one = known[2]["importance"]
    single = {**one, "spread": [None] * 4, "folds": [[value] for value in one["means"]], "repeats": 1}
    assert "fall of accuracy" in to_svg(plot(journal_of(2, importance=single), "importance"), "importance")
