"""The scikit-learn estimator."""

from handgrad.estimator.classifier import HandgradClassifier

__all__ = ["HandgradClassifier"]
