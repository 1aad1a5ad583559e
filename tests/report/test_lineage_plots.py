"""What the pictures of descent and of populations show."""

import time

import numpy as np
import pytest

from evoml.report import plot
from evoml.report.lineage_plots import family_plot, gains_plot, takeover_plot
from evoml.report.population_plots import diversity_plot, growth_plot
from evoml.report.style import to_svg


def words(figure):
    return to_svg(figure, "figure")


def test_the_family_is_drawn_with_the_line_to_the_best_on_top(kin):
    figure = family_plot(kin)
    (line,) = figure.axes[0].lines
    assert list(line.get_ydata()) == pytest.approx([0.60, 0.65, 0.70])
    assert list(line.get_xdata()) == pytest.approx([1 / 3, 1.0, 2.0])
    others, kin_lines = figure.axes[0].collections[0], figure.axes[0].collections[2]
    assert len(others.get_segments()) == 1  # 3 to 6
    assert len(kin_lines.get_segments()) == 5
    assert "crossover +0.05" in words(figure)
    assert "3 further ancestors" in words(figure)


def test_the_family_of_another_candidate(kin):
    assert list(family_plot(kin, 6).axes[0].lines[0].get_ydata()) == pytest.approx([0.60, 0.65, 0.55])


def test_ten_thousand_candidates_are_drawn_in_seconds_and_stay_small(new_run):
    run, rng = new_run({"objectives": ["score", "complexity"]}), np.random.default_rng(0)
    scores, rows, told = [], [], []
    for one in range(10_000):
        parents = sorted(rng.integers(max(0, one - 300), one, 2).tolist()) if one >= 50 else []
        scores.append((np.mean([scores[p] for p in parents]) if parents else 0.0) + 0.1 * rng.normal())
        rows.append(
            (one, str(one), f"P{one % 7}(features)", str(parents), "vary", one // 50, "[]", "[]", 0, one * 0.01)
        )
        told.append(
            (one, "OK", f"[{float(scores[-1])}, -2.0]", "{}", "[]", f"s{one % 90}", "", None, one * 0.01, *[0.0] * 11)
        )
    with run.journal._connection as db:
        db.executemany(f"INSERT INTO candidates VALUES ({','.join('?' * 10)})", rows)
        places = ",".join("?" * 20)
        db.executemany(f"INSERT INTO outcomes SELECT NULL, * FROM (VALUES ({places}))", told)
    for generation in range(1, 201):
        run.journal.progressed(
            generation, 50 * generation, 1.0, {"population": list(range(50 * generation - 50, 50 * generation))}
        )
    begun = time.process_time()
    pictures = [words(plot(run.journal, what)) for what in ("family", "gains", "takeover", "diversity", "growth")]
    assert time.process_time() - begun < 20
    assert "<image" in pictures[0]
    assert max(map(len, pictures)) < 1_500_000


def test_gains_are_shown_with_their_shares(kin):
    text = words(gains_plot(kin))
    assert "100% in 2 steps" in text
    assert "100% in 2 times" in text
    assert "none" in text


def test_takeover_names_founders(kin):
    figure = takeover_plot(kin)
    assert "58%  SVC · #1" in words(figure)
    assert "0%  all others" in words(figure)


def test_diversity_and_growth(kin):
    left, right = diversity_plot(kin).axes
    assert list(left.lines[0].get_ydata()) == [1, 1, 1]
    assert len(left.lines) == 3
    assert right.lines[0].get_ydata()[0] > right.lines[0].get_ydata()[2]
    left, right = growth_plot(kin).axes
    assert list(right.lines[1].get_ydata()) == pytest.approx([0.6, 0.65, 0.7])
    assert "complexity" in words(growth_plot(kin))


def test_what_cannot_be_drawn_is_said(run):
    for what in ("family", "gains"):
        assert "no descent to draw" in words(plot(run.journal, what))
    assert "population was like over time is not known" in words(plot(run.journal, "takeover"))
    for what in ("diversity", "growth"):
        assert "too few generations" in words(plot(run.journal, what))
    run.scored("A(features)", 0.5)
    assert "no descent to draw" in words(plot(run.journal, "family"))


def test_names_are_never_read_as_mathematics(new_run):
    run = new_run({"scoring": ["$x$"]})
    first = run.scored("$A$(features)", 0.5)
    run.scored("B(features)", 0.6, parents=(first,), operator="$m$", generation=1)
    assert "$m$ +0.1" in words(family_plot(run.journal))
    assert "$A$" in words(takeover_plot(run.journal))
