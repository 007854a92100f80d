"""Runs scikit-learn's checks of the classifier, and fails if a check does not pass."""

import sys

import pandas  # noqa: F401 - without it checks are skipped
from sklearn.utils.estimator_checks import check_estimator

from handgrad.estimator import HandgradClassifier


def main() -> int:
    results = check_estimator(HandgradClassifier(), on_skip=None, on_fail=None)
    for result in results:
        if result["status"] != "passed":
            print(result["check_name"], result["status"], result["exception"], file=sys.stderr)
    passed = sum(result["status"] == "passed" for result in results)
    print(f"{passed} passed")
    return 0 if passed == len(results) else 1


sys.exit(main())
