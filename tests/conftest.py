"""What all tests share: annotations are enforced, and random tests say their seed."""

import os
import random

import pytest
from beartype import BeartypeConf
from beartype.claw import beartype_packages
from hypothesis import settings

# The mathematics; elsewhere tests hand over wrong types on purpose, to read the error's sentence.
CHECKED = [
    *("layers", "losses", "optim", "schedules", "summary", "network", "models"),
    *("engines.divergence", "engines.reference"),
]

beartype_packages(
    [f"handgrad.{room}" for room in CHECKED],
    conf=BeartypeConf(is_pep484_tower=True),  # a whole number is as good as a float
)

settings.register_profile("handgrad", deadline=None, print_blob=True)
settings.load_profile("handgrad")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose a seed for Hypothesis: a new one each time, but 0 in CI."""
    if config.option.hypothesis_seed is None:
        seed = 0 if os.environ.get("CI") else random.randrange(1_000_000)
        config.option.hypothesis_seed = str(seed)


def pytest_report_header(config: pytest.Config) -> str:
    """Say the seed, so that a failure can be had again."""
    return f"random tests: --hypothesis-seed={config.option.hypothesis_seed}"
