"""The figures of this room, as notebooks show them."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from evoml.report.style import our_style


class ShownFigure(Figure):
    """A figure of no window that a notebook shows as a picture, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        out = BytesIO()
        with our_style():
            self.savefig(out, format="png", bbox_inches="tight")
        return out.getvalue()
