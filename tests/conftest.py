"""What all tests share: enforced annotations, seeds that are said, and where the data lies."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from beartype import BeartypeConf
from beartype.claw import beartype_packages
from hypothesis import settings

# The mathematics; elsewhere tests hand over wrong types on purpose, to read the error's sentence.
CHECKED = [
    *("layers", "losses", "optim", "schedules", "summary", "models"),
    *("engines.divergence", "engines.reference"),
]

beartype_packages(
    [f"handgrad.{room}" for room in CHECKED],
    conf=BeartypeConf(is_pep484_tower=True),  # a whole number is as good as a float
)

# Who starts the tests in the background may have them, and what they start, ignore signals.
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
    """Choose a seed for Hypothesis: a new one each time, but 0 in CI."""
    if config.option.hypothesis_seed is None:
        seed = 0 if os.environ.get("CI") else random.randrange(1_000_000)
        config.option.hypothesis_seed = str(seed)


def pytest_report_header(config: pytest.Config) -> str:
    """Say the seed, so that a failure can be had again."""
    return f"random tests: --hypothesis-seed={config.option.hypothesis_seed}"


@pytest.fixture(scope="session")
def places() -> dict[str, Path | None]:
    """Where all data lies, found before a test hides the environment."""
    from handgrad.data.named.locate import locate
    from handgrad.data.named.sources import SOURCES

    return {name: locate(source) for name, source in SOURCES.items() if source.files}


@pytest.fixture
def located(places: dict[str, Path | None]) -> Callable[[str], Path]:
    """Return the folder of some data, or skip the test where it is not on this machine."""

    def find(name: str) -> Path:
        if place := places[name]:
            return place
        pytest.skip(f"{name} is not on this machine; let HANDGRAD_DATA name a folder with {name}/")

    return find
