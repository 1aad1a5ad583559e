"""Figures in notebooks."""

import copy
import pickle

import matplotlib as mpl

from evoml.report.style import new_figure


def test_a_notebook_shows_a_figure_by_itself():
    figure = new_figure(2, 1)
    figure.add_subplot().plot([1, 2])
    settings = copy.deepcopy(dict(mpl.rcParams))
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == settings


def test_a_copy_of_a_figure_is_shown_too():
    assert pickle.loads(pickle.dumps(new_figure(2, 1)))._repr_png_().startswith(b"\x89PNG")
