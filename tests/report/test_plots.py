"""What the plots show."""

import matplotlib
import numpy as np
import pytest

from evoml.report import operator_credit_plot, pareto_front, score_over_time
from evoml.report.ranges import score_range
from evoml.report.style import our_style, to_svg


def texts(figure):
    return to_svg(figure, "figure")


def test_score_over_time_shows_best_so_far_and_the_baseline(full):
    figure = score_over_time(full)
    seconds, evaluations = figure.axes
    best, baseline = evaluations.lines
    assert list(best.get_ydata()) == pytest.approx([0.90, 0.92, 0.95, 0.95, 0.95])
    assert list(best.get_xdata()) == [1, 2, 4, 7, 7]  # failures are evaluations, duplicates are not
    assert baseline.get_ydata()[0] == 0.5
    assert "balanced_accuracy" in seconds.get_ylabel()
    assert "constant prediction" in texts(figure)


def test_score_over_time_marks_what_lies_below_its_range(run):
    for at in range(30):
        run.scored(f"Ridge(features, alpha={at + 1.0})", 0.9 + 0.001 * at)
    run.scored("Ridge(features)", -1e9)
    figure = score_over_time(run.journal)
    assert figure.axes[0].get_ylim()[0] > 0
    assert "1 below this range" in texts(figure)


@pytest.mark.parametrize(
    ("scores", "baseline"),
    [([0.5], None), ([0.5, 0.5], 0.5), ([0.9, -1e12], None), ([-3.0, -2.0, -1e9], -2.5), ([0.1] * 50 + [0.9], 0.95)],
)
def test_score_range_holds_the_best_and_is_never_empty(scores, baseline):
    low, high = score_range(scores, baseline)
    assert low < max(scores) < high
    assert np.isfinite([low, high]).all()


def test_score_range_shows_everything_where_nothing_is_a_disaster():
    low, high = score_range(np.linspace(0.8, 0.9, 40))
    assert low < 0.8 < 0.9 < high


def test_pareto_front_names_the_best_compromises(full):
    svg = texts(pareto_front(full))
    for name in ("SVC", "RandomForestClassifier", "LogisticRegression", "best compromise", "chosen"):
        assert name in svg
    assert "GaussianNB" not in svg


def test_plots_of_odd_runs_say_what_is_missing(run, new_run):
    assert "nothing to plot" in texts(score_over_time(run.journal))
    assert "nothing to plot" in texts(pareto_front(run.journal))
    assert "made by variation" in texts(operator_credit_plot(run.journal))
    single = new_run({"objectives": ["score"]})
    single.scored("GaussianNB(features)", 0.9, None)
    assert "one objective" in texts(pareto_front(single.journal))
    assert "best so far" in texts(score_over_time(single.journal))


def test_one_scored_candidate_is_enough(run):
    run.scored("GaussianNB(features)", 0.9)
    assert "GaussianNB" in texts(pareto_front(run.journal))
    assert "best so far" in texts(score_over_time(run.journal))


def test_operator_credit_plot_shows_rates_and_probabilities(full):
    svg = texts(operator_credit_plot(full))
    assert "100% of 1" in svg
    assert "0% of 3" in svg
    assert "probability of being chosen" in svg


def test_operator_credit_plot_without_probabilities(run):
    first = run.scored("GaussianNB(features)", 0.9)
    run.scored("SVC(features)", 0.95, parents=(first,), operator="mutate")
    figure = operator_credit_plot(run.journal)
    assert len(figure.axes) == 1


def test_many_dots_become_a_picture(run, monkeypatch):
    for at in range(10):
        run.scored(f"Ridge(features, alpha={at + 1.0})", 0.9)
    monkeypatch.setattr("evoml.report.plots.MANY", 5)
    svg = texts(score_over_time(run.journal))
    assert "data:image/png;base64" in svg


def test_settings_of_the_user_are_neither_used_nor_changed(full):
    expected = texts(score_over_time(full))
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        assert texts(score_over_time(full)) == expected
        assert dict(matplotlib.rcParams) == before


def test_ids_are_unique_to_a_picture_and_texts_are_escaped(full):
    from matplotlib.figure import Figure

    with our_style():
        figure = Figure()
        figure.text(0.5, 0.5, '<script>id="1"</script> costs $5 or $6')
    svg = to_svg(figure, "one")
    assert '&lt;script&gt;id="1"&lt;/script&gt; costs $5 or $6' in svg
    assert 'id="one-figure_1"' in svg
