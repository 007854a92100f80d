"""Configures all tests: run-time type checks, reported random seeds, and the location of data."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from beartype import BeartypeConf
from beartype.claw import beartype_packages
from hypothesis import settings

# The mathematics. Elsewhere, tests pass wrong types on purpose to check the error message.
CHECKED = [
    *("layers", "losses", "optim", "schedules", "summary", "models"),
    *("engines.divergence", "engines.reference"),
]

beartype_packages(
    [f"handgrad.{module}" for module in CHECKED],
    conf=BeartypeConf(is_pep484_tower=True),  # an int is accepted as a float
)

# Tests that run in the background may inherit ignored signals, and so would their subprocesses.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

settings.register_profile("handgrad", deadline=None, print_blob=True)
settings.load_profile("handgrad")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose a seed for Hypothesis, which is 0 in CI and random elsewhere."""
    if config.option.hypothesis_seed is None:
        seed = 0 if os.environ.get("CI") else random.randrange(1_000_000)
        config.option.hypothesis_seed = str(seed)


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that a failure can be reproduced."""
    return f"random tests: --hypothesis-seed={config.option.hypothesis_seed}"


@pytest.fixture(scope="session")
def places() -> dict[str, Path | None]:
    """Locate all data sets before a test hides the environment variables."""
    from handgrad.data.named.locate import locate
    from handgrad.data.named.sources import SOURCES

    return {name: locate(source) for name, source in SOURCES.items() if source.files}


@pytest.fixture
def located(places: dict[str, Path | None]) -> Callable[[str], Path]:
    """Return the folder of a data set, or skip the test if the data set is not on this machine."""

    def find(name: str) -> Path:
        if place := places[name]:
            return place
        pytest.skip(f"{name} is not on this machine; set HANDGRAD_DATA to a folder with {name}/")

    return find
