"""The archive of MAP-Elites as a heat map."""

import numpy as np

from evoml.report import plot
from evoml.report.archive_plot import archive_plot
from evoml.report.style import to_svg


def with_archive(run, niches, descriptors=("size", "family")):
    population = [run.scored(f"Ridge(features, alpha={at + 1.0})", score) for at, (score, _) in enumerate(niches)]
    run.journal.put(
        "state", {"population": population, "niches": [niche for _, niche in niches], "descriptors": descriptors}
    )
    return run.journal


def test_each_cell_shows_the_best_of_its_kind(run):
    niches = [(0.9, [2.0, "Ridge"]), (0.8, [2.83, "Ridge"]), (0.7, [2.0, "SVC"])]
    figure = plot(with_archive(run, niches), "archive")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "2.83"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ridge", "SVC"]
    assert sorted(text.get_text() for text in axes.texts) == ["0.7", "0.8", "0.9"]
    assert "size" in axes.get_xlabel()
    assert axes.get_ylabel() == "family"
    assert np.ma.count(axes.collections[0].get_array()) == 3


def test_of_more_descriptors_the_best_over_the_others_is_shown(run):
    niches = [(0.9, [2.0, "Ridge", 1.0]), (0.95, [2.0, "Ridge", 4.0])]
    texts = [text.get_text() for text in archive_plot(with_archive(run, niches)).axes[0].texts]
    assert texts == ["0.95"]


def test_texts_stand_in_rows_whatever_their_place(run):
    figure = archive_plot(with_archive(run, [(0.9, ["Ridge", 2.0]), (0.8, ["SVC", 2.0])], ("family", "size")))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Ridge", "SVC"]


def test_one_descriptor_is_one_row(run):
    figure = archive_plot(with_archive(run, [(0.9, [1.0]), (0.8, [2.0])], ("size",)))
    assert len(figure.axes[0].get_xticklabels()) == 2


def test_a_run_without_an_archive_says_so(run):
    run.scored("Ridge(features)", 0.5)
    assert "no archive" in to_svg(archive_plot(run.journal), "figure")
