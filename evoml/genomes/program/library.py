"""Programs written by hand: what searches may start from, and what evolved ones are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from evoml.core.errors import SearchSpaceError, nearest
from evoml.genomes.program.program import Program
from evoml.genomes.program.text import read

#: Stochastic gradient descent on squared errors, or on log loss where labels are classes: w . x
_LINEAR = """
def setup():
    s2 = 0.01

def predict():
    s1 = dot(v0, v1)

def learn():
    s3 = s0 - s1
    s3 = s3 * s2
    v2 = s3 * v0
    v1 = v1 + v2
"""
#: The same with a bias: w . x + b
_AFFINE = """
def setup():
    s2 = 0.01

def predict():
    s1 = dot(v0, v1)
    s1 = s1 + s4

def learn():
    s3 = s0 - s1
    s3 = s3 * s2
    s4 = s4 + s3
    v2 = s3 * v0
    v1 = v1 + v2
"""
#: v . relu(W x), back-propagated: the two-layer network that the paper begins with (Real et al. 2020, section 4.3).
_NETWORK = """
def setup():
    s2 = 0.01
    m0 = gaussian(0.0, 0.3, (n, n))
    v1 = gaussian(0.0, 0.3, n)

def predict():
    v2 = dot(m0, v0)
    v3 = heaviside(v2)
    v2 = v3 * v2
    s1 = dot(v1, v2)

def learn():
    s3 = s0 - s1
    s3 = s3 * s2
    v4 = s3 * v1
    v4 = v4 * v3
    m1 = outer(v4, v0)
    m0 = m0 + m1
    v4 = s3 * v2
    v1 = v1 + v4
"""

LIBRARY: Mapping[str, str] = {
    "linear": _LINEAR.lstrip(),
    "affine": _AFFINE.lstrip(),
    "network": _NETWORK.lstrip(),
}


def program_of(text: str) -> Program:
    """Return the program of a name in the library, or the one written in ``text``. Raises SearchSpaceError."""
    if isinstance(text, str) and text in LIBRARY:
        return read(LIBRARY[text])
    if not isinstance(text, str) or "def" not in text:
        raise SearchSpaceError(
            f"there is no program {text!r}{nearest(str(text), LIBRARY)}; there are: {', '.join(LIBRARY)}; or write one: def"
            " setup(), def predict(), def learn()"
        )
    return read(text)
