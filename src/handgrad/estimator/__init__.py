"""The scikit-learn face: a network as a classifier among classifiers."""

from handgrad.estimator.classifier import HandgradClassifier

__all__ = ["HandgradClassifier"]
