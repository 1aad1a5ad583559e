"""Explanations on the command line: after a fit, made later, skipped, and refused."""

from __future__ import annotations

import fake_estimators
import pytest

from evoml.journal import Journal


@pytest.fixture
def fitted(run, mixed):
    """Fit with a stand-in: ``fitted("--explain", 3)`` returns the result; the folder is ``r``."""

    def fit(*options):
        return run("fit", mixed, "--target", "label", "--evaluations", 4, "--out", "r", *options)

    return fit


@pytest.mark.usefixtures("fake")
class TestAfterAFit:
    def test_the_page_shows_the_explanation(self, fitted, here):
        result = fitted("--explain", 7)
        assert result.exit_code == 0
        assert "explaining the model on its folds" in result.stderr
        assert "Note: 7.0 seconds were given." in (here / "r" / "report.html").read_text()

    def test_by_default_the_time_is_chosen(self, fitted, here):
        fitted()
        assert "Note: None seconds were given." in (here / "r" / "report.html").read_text()

    def test_zero_is_none(self, fitted, here):
        result = fitted("--explain", 0)
        assert "explaining" not in result.stderr
        assert "has not been explained yet" in (here / "r" / "report.html").read_text()

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(fake_estimators.INTERRUPTED, "was skipped"), (fake_estimators.TOO_SHORT, "was not explained: fitting")],
    )
    def test_what_comes_to_nothing_costs_only_itself(self, fitted, here, seconds, words):
        result = fitted("--explain", seconds)
        assert result.exit_code == 0
        assert words in result.stderr
        assert (here / "r" / "report.html").is_file()
        assert (here / "r" / "model.skops").is_file()

    def test_nonsense_is_refused(self, refused, mixed):
        assert "--explain must be greater than zero" in refused("fit", mixed, "--target", "label", "--explain", -1)


def test_a_run_is_explained_later(run, refused, mixed, here):
    (here / "space.toml").write_text(
        'only = ["LogisticRegression", "SimpleImputer", "OneHotEncoder", "StandardScaler"]'
    )
    options = ["--evaluations", 4, "--jobs", 1, "--seed", 1, "--holdout", 0.2, "--search-space", "space.toml"]
    assert run("fit", mixed, "--target", "label", *options, "--out", "r", "--explain", 0).exit_code == 0
    page = here / "r" / "report.html"
    assert "has not been explained yet" in page.read_text()
    result = run("explain", "r", "--seconds", 30)
    assert result.stdout == "r/report.html\n"
    assert "Which columns it needs" in page.read_text()
    with Journal.read(here / "r" / "journal.sqlite") as journal:
        assert journal.get("explanation")["rows"] == 48  # those that the search saw
        assert journal.get("summary")["holdout"]["rows"] == 12
    page.unlink()
    run("report", "r")
    assert "Which columns it needs" in page.read_text()
    mixed.write_text(mixed.read_text().replace("0", "1"))
    assert "this is not what the run saw" in refused("explain", "r")


def test_a_folder_without_a_run_is_refused(refused, here):
    assert "there is no run folder nowhere" in refused("explain", "nowhere")
