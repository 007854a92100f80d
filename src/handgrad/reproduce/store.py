"""The store of results: one file per job, whose name is a hash of all inputs of the job."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import NamedTuple

from handgrad.classifier import Classifier, load_model
from handgrad.engines import fastest_engine
from handgrad.errors import ConfigError, DataError, HandgradError, ModelError
from handgrad.files import replacing
from handgrad.network import Network
from handgrad.reproduce.benchmark import HANDGRAD
from handgrad.reproduce.experiment import RunResult, Variant
from handgrad.reproduce.notebook import NO_METRIC, PUBLISHED, Notebook
from handgrad.reproduce.text import machine

ENGINES = ("auto", "compiled", "reference")


class Job(NamedTuple):
    """A job that runs one variant with one seed.

    Attributes:
        notebook: the name of the notebook.
        data: the name of the data set.
        description: the experiment and the kind of variant, for the progress display.
        variant: the variant.
        seed: the seed.
        metrics: the metrics that the report needs from this job.
    """

    notebook: str
    data: str
    description: str
    variant: Variant
    seed: int
    metrics: frozenset[str] = frozenset()


def jobs(notebooks: Sequence[Notebook], seeds: int) -> list[Job]:
    """Return all jobs without duplicates; the first seed of all notebooks comes first."""
    found: dict[tuple[str, str, int], Job] = {}
    needed = {notebook.name: _needed_metrics(notebook) for notebook in notebooks}
    for seed in range(seeds):
        for notebook in notebooks:
            for description, variant in variants(notebook):
                if variant is not notebook.benchmark or seed == 0:  # times do not need more seeds
                    metrics = frozenset(needed[notebook.name][repr(variant)])
                    job = Job(notebook.name, notebook.data, description, variant, seed, metrics)
                    found.setdefault((notebook.data, repr(variant), seed), job)
    return [*found.values()]


def variants(notebook: Notebook) -> Iterator[tuple[str, Variant]]:
    """Yield a description of each variant of a notebook, and the variant."""
    for experiment in notebook.experiments:
        for kind, variant in experiment.variants.items():
            yield f"{experiment.title}, {kind}", variant
    for number, erratum in enumerate(notebook.errata, 1):
        yield f"with error {number}", erratum.variant
        yield f"without error {number}", erratum.reference
    yield "speed benchmark", notebook.benchmark


def _needed_metrics(notebook: Notebook) -> defaultdict[str, set[str]]:
    """Return the metrics that a notebook's report needs, by the `repr` of the variant."""
    needed: defaultdict[str, set[str]] = defaultdict(set)
    for experiment in notebook.experiments:
        for kind, metric in experiment.ranges:
            needed[repr(experiment.variants[kind])].add(metric)
        if PUBLISHED in experiment.variants:
            needed[repr(experiment.variants[PUBLISHED])].update(experiment.published)
    for erratum in notebook.errata:
        if erratum.metric != NO_METRIC:
            needed[repr(erratum.variant)].add(erratum.metric)
            needed[repr(erratum.reference)].add(erratum.reference_metric or erratum.metric)
    times = {f"{HANDGRAD}: microseconds", f"{HANDGRAD}: accuracy", "total"}
    needed[repr(notebook.benchmark)] |= times
    return needed


def ignore_warning(sentence: str) -> None:
    """Ignore the warning."""


class ResultStore:
    """A folder in which results are stored.

    Args:
        folder: the folder; it is created when the first result is stored.
        digests: the SHA-256 digests of each data set, by the data set's name.
        engine: the name of the engine.
        warn: called with a sentence, once for each file that cannot be used.

    Raises:
        ConfigError: if the engine is unknown.
    """

    def __init__(
        self,
        folder: Path,
        digests: dict[str, str],
        engine: str = "auto",
        warn: Callable[[str], None] = ignore_warning,
    ) -> None:
        if engine not in ENGINES:
            raise ConfigError(
                f"the engine {engine!r} cannot be used here; choose one of {', '.join(ENGINES)} "
                "(PyTorch is run in any case if it is installed)"
            )
        self.folder, self.digests = folder, digests
        self.engine = fastest_engine() if engine == "auto" else engine
        self._warn, self._warned = warn, set[Path]()

    def get(self, job: Job) -> RunResult | None:
        """Return the result of a job, or None if it was not run or its file cannot be used."""
        path = self._path(job, ".json")
        try:
            return self._read(path, job)
        except FileNotFoundError:
            return None
        except DataError as error:
            reason = str(error)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            reason = "cannot be read"
        self._warn_once(path, f"{path} {reason}; its job will be run again")
        return None

    def _read(self, path: Path, job: Job) -> RunResult:
        """Read a result; if the file is corrupted, an exception of any type may be raised."""
        content = json.loads(path.read_text("utf-8"))
        result = RunResult.from_dict(content["result"])
        if any(content[name] != value for name, value in self._identity(job).items()):
            raise DataError("belongs to another job")
        if not result.metrics or not result.metrics.keys() >= job.metrics:
            raise DataError("lacks metrics")
        if not all(map(math.isfinite, result.metrics.values())):
            raise DataError("has metrics that are not finite")
        return result

    def put(self, job: Job, result: RunResult) -> None:
        """Store the result of a job and, for the first seed, the network.

        Raises:
            StorageError: if a file cannot be written.
        """
        if result.net is not None and job.seed == 0:
            path = self._path(job, ".safetensors")
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(ModelError):  # a notebook's own layers cannot be stored in a model file
                Classifier(result.net).save(path)
        measured = replace(result, machine=machine())
        content = {
            "description": job.description,
            **self._identity(job),
            "result": measured.to_dict(),
        }
        with replacing(self._path(job, ".json")) as temporary:
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def network(self, job: Job) -> Network | None:
        """Return the network of a job, or None if no network is stored."""
        path = self._path(job, ".safetensors")
        try:
            return load_model(path).network if path.is_file() else None
        except HandgradError as error:
            self._warn_once(path, f"a network cannot be shown: {error}")
            return None

    def checkpoint(self, job: Job) -> Path:
        """Return the folder for the checkpoints of a job."""
        return self._path(job, ".unfinished")

    def _warn_once(self, path: Path, sentence: str) -> None:
        """Warn about a file, but only once."""
        if path not in self._warned:
            self._warned.add(path)
            self._warn(sentence)

    def _path(self, job: Job, suffix: str) -> Path:
        identity = json.dumps(self._identity(job), sort_keys=True)
        key = hashlib.sha256(identity.encode()).hexdigest()[:8]
        return self.folder / job.notebook / f"{key}-{job.seed}{suffix}"

    def _identity(self, job: Job) -> dict[str, str | int]:
        """Return everything that determines the result of a job."""
        return {
            "variant": describe(job.variant),
            "seed": job.seed,
            "data": self.digests[job.data],
            "engine": self.engine,
        }


def describe(value: object) -> str:
    """Describe a value as `repr` does, but leave out fields that have their default values.

    Adding a field with a default value therefore does not change existing descriptions.

    >>> describe(hg.Adam(0.01))
    'Adam(lr=0.01)'
    """
    if isinstance(value, tuple | list):
        return f"({', '.join(map(describe, value))})"
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    parts = (
        f"{field.name}={describe(getattr(value, field.name))}"
        for field in fields(value)
        if getattr(value, field.name) != field.default
    )
    return f"{type(value).__name__}({', '.join(parts)})"
