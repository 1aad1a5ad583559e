"""The scikit-learn faces of evoml: parameters in, attributes with a trailing underscore out."""

from evoml.estimators.classifier import EvoClassifier
from evoml.estimators.regressor import EvoRegressor

__all__ = ["EvoClassifier", "EvoRegressor"]
