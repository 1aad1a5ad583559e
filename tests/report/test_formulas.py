from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest

from evoml.genomes.expression.text import read
from evoml.report.formulas import MOST_LABELS, draw_formula, draw_front
from evoml.report.style import to_svg

NAMES = ["mass", "velocity", "price ($)"]
TEXTS = [
    "3.2",
    "1.5 * mass",
    "mass * velocity ^ 2",
    "0.5 * mass * velocity ^ 2",
    "0.5 * mass * velocity ^ 2 + sin(mass) / velocity",
]


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_formula_is_drawn_with_its_numbers_and_operands():
    figure = draw_formula(read("0.5123 * mass * velocity ^ 2 - mass / velocity", NAMES), NAMES, "energy")
    assert sorted(words(figure)) == sorted(
        [
            "mass",
            "velocity",
            "0.512 \u00d7 \u25a1",
            "\u25a1 ^ 2",
            "\u00d7",
            "a / b",
            "a",
            "b",
            "a - b",
            "a",
            "b",
            "energy",
        ]
    )


def test_equal_parts_are_drawn_once():
    assert words(draw_formula(read("sin(x0) * sin(x0)"))).count("sin(\u25a1)") == 1
    assert "\u25a1 - \u25a1" in words(draw_formula(read("x0 - x0")))


@pytest.mark.parametrize("text", ["2.5", "x0", "1.0 / 0.0", "-x0", "x0 ^ x1 ^ x0"])
def test_any_formula_can_be_drawn(text):
    assert to_svg(draw_formula(read(text)), "f").startswith("<svg")


def test_names_are_never_read_as_mathematics():
    assert "price ($)" in to_svg(draw_formula(read("x2 * x2"), NAMES), "f")
    assert "$" in words(draw_front([read("x2")], [1], [1.0], None, NAMES))[0]


def test_the_front_is_drawn_with_the_chosen_one_marked():
    formulas = [read(text, NAMES) for text in TEXTS]
    figure = draw_front(formulas, [len(one) for one in formulas], [9.0, 4.0, 2.0, 1e-3, 0.0], 3, NAMES, "mse")
    assert len(words(figure)) == 5
    assert words(figure)[3] == r"$0.5 \cdot \mathrm{mass} \cdot \mathrm{velocity}^2$"
    marked = [text.get_color() for text in figure.axes[0].texts]
    assert marked.count(marked[3]) == 1
    assert figure.axes[0].get_yscale() == "log"
    assert to_svg(figure, "f") == to_svg(
        draw_front(formulas, [len(one) for one in formulas], [9.0, 4.0, 2.0, 1e-3, 0.0], 3, NAMES, "mse"), "f"
    )


def test_labels_do_not_overlap_and_stay_within_the_picture():
    rng = np.random.default_rng(0)
    many = [read(f"x0 * {at}.5") for at in range(40)]
    losses = np.sort(rng.uniform(1e-6, 1.0, 40))[::-1]
    figure = draw_front(many, np.arange(1, 41), losses, 39)
    assert len(words(figure)) == MOST_LABELS
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        text.arrowprops = text.arrow_patch = None  # the lines to the points are no part of the words' extent
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: -box.y0)
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(boxes))
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height and box.x1 <= figure.bbox.width for box in boxes)


def test_a_front_with_nothing_finite_says_so():
    assert "no front" in words(draw_front([read("x0")], [1], [np.inf]))[0]
    assert len(words(draw_front([read("x0"), read("x1")], [1, 1], [-1.0, np.inf]))) == 1


def test_settings_of_others_stay_as_they_are():
    before = dict(mpl.rcParams)
    draw_front([read("x0")], [1], [1.0])
    draw_formula(read("x0"))
    assert dict(mpl.rcParams) == before
