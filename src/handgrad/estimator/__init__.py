"""A scikit-learn classifier that trains a handgrad network."""

from handgrad.estimator.classifier import HandgradClassifier

__all__ = ["HandgradClassifier"]
