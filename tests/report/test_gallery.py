"""Pictures by name."""

import pytest

from evoml.core.errors import SettingError
from evoml.report import plot
from evoml.report.style import to_svg


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("pipeline", "30 columns"),
        ("score", "best so far"),
        ("front", "best compromise"),
        ("lineage", "generation 1"),
        ("operators", "tried"),
        ("family", "line of the better parents"),
        ("gains", "gains along the line"),
        ("takeover", "share of the population"),
        ("diversity", "distinct forms"),
        ("growth", "of the best so far"),
    ],
)
def test_every_picture_can_be_had_by_name(full, what, words):
    assert words in to_svg(plot(full, what), what)


def test_an_unknown_picture_is_refused_with_a_hint(full):
    with pytest.raises(SettingError, match="did you mean 'lineage'"):
        plot(full, "linage")


def test_what_cannot_be_drawn_is_said(run):
    assert "no pipeline to draw" in to_svg(plot(run.journal), "a")
    run.scored("x0 + x1", 0.5)
    assert "not a pipeline of steps" in to_svg(plot(run.journal), "b")
