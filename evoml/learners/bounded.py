"""Products of columns within bounds: products of products would otherwise overflow, and trees hold 32-bit floats."""

from typing import Any

from sklearn.kernel_approximation import PolynomialCountSketch
from sklearn.preprocessing import PolynomialFeatures

LIMIT = 1e12


class BoundedPolynomialFeatures(PolynomialFeatures):
    """PolynomialFeatures with inputs and products clipped to +-1e12."""

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        return super().transform(X.clip(-LIMIT, LIMIT)).clip(-LIMIT, LIMIT)


class BoundedPolynomialCountSketch(PolynomialCountSketch):
    """PolynomialCountSketch with inputs and results clipped to +-1e12."""

    def transform(self, X: Any) -> Any:
        return super().transform(X.clip(-LIMIT, LIMIT)).clip(-LIMIT, LIMIT)
