"""What was found, kept: a file for each piece, named by all that decides the outcome."""

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
from handgrad.reproduce.benchmark import OURS
from handgrad.reproduce.experiment import Outcome, Part
from handgrad.reproduce.notebook import NOTHING, PUBLISHED, Notebook
from handgrad.reproduce.text import machine

ENGINES = ("auto", "compiled", "reference")


class Piece(NamedTuple):
    """One part with one seed.

    Attributes:
        notebook: the notebook's name.
        data: the name of its images.
        what: what the part is, in words.
        part: the part.
        seed: the seed.
        figures: what must be among its figures, since the report asks for it.
    """

    notebook: str
    data: str
    what: str
    part: Part
    seed: int
    figures: frozenset[str] = frozenset()


def pieces(notebooks: Sequence[Notebook], seeds: int) -> list[Piece]:
    """Return all that is to be run, each once; all notebooks have a seed before the next seed."""
    found: dict[tuple[str, str, int], Piece] = {}
    asked = {notebook.name: _asked(notebook) for notebook in notebooks}
    for seed in range(seeds):
        for notebook in notebooks:
            for what, part in parts(notebook):
                if part is not notebook.race or seed == 0:  # a time is no matter of the seed
                    names = frozenset(asked[notebook.name][repr(part)])
                    piece = Piece(notebook.name, notebook.data, what, part, seed, names)
                    found.setdefault((notebook.data, repr(part), seed), piece)
    return [*found.values()]


def parts(notebook: Notebook) -> Iterator[tuple[str, Part]]:
    """Yield all parts of a notebook, with what they are."""
    for experiment in notebook.experiments:
        for kind, part in experiment.parts.items():
            yield f"{experiment.title}, {kind}", part
    for number, erratum in enumerate(notebook.errata, 1):
        yield f"error {number}", erratum.part
        yield f"without error {number}", erratum.against
    yield "the time", notebook.race


def _asked(notebook: Notebook) -> defaultdict[str, set[str]]:
    """Return which figures a notebook's report cannot do without, by the `repr` of the part."""
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for experiment in notebook.experiments:
        for kind, figure in experiment.ranges:
            asked[repr(experiment.parts[kind])].add(figure)
        if PUBLISHED in experiment.parts:
            asked[repr(experiment.parts[PUBLISHED])].update(experiment.claims)
    for erratum in notebook.errata:
        if erratum.figure != NOTHING:
            asked[repr(erratum.part)].add(erratum.figure)
            asked[repr(erratum.against)].add(erratum.without or erratum.figure)
    asked[repr(notebook.race)] |= {f"{OURS}: microseconds", f"{OURS}: accuracy", "total"}
    return asked


def quietly(sentence: str) -> None:
    """Tell nobody."""


class Store:
    """A folder of outcomes.

    Args:
        folder: the folder; it is made when something is put there.
        digests: the SHA-256 of each data set, by its name.
        engine: what trains, by its name.
        warn: called with a sentence, once for each file that is there and cannot be used.

    Raises:
        ConfigError: if the engine is none of ours.
    """

    def __init__(
        self,
        folder: Path,
        digests: dict[str, str],
        engine: str = "auto",
        warn: Callable[[str], None] = quietly,
    ) -> None:
        if engine not in ENGINES:
            raise ConfigError(
                f"the engine {engine!r} is none of ours; choose one of {', '.join(ENGINES)} "
                "(PyTorch runs beside it wherever it is installed)"
            )
        self.folder, self.digests = folder, digests
        self.engine = fastest_engine() if engine == "auto" else engine
        self._warn, self._warned = warn, set[Path]()

    def get(self, piece: Piece) -> Outcome | None:
        """Return what came of a piece; None: it was not run, or its file is no good."""
        path = self._path(piece, ".json")
        try:
            return self._read(path, piece)
        except FileNotFoundError:
            return None
        except DataError as error:
            why = str(error)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            why = "cannot be read"
        self._say(path, f"{path} {why}, and counts as not done")
        return None

    def _read(self, path: Path, piece: Piece) -> Outcome:
        """Return the outcome in a file, or raise an error of any kind."""
        told = json.loads(path.read_text("utf-8"))
        outcome = Outcome.of_plain(told["outcome"])
        if any(told[name] != value for name, value in self._identity(piece).items()):
            raise DataError("is of another piece")
        if not outcome.figures or not outcome.figures.keys() >= piece.figures:
            raise DataError("lacks figures")
        if not all(map(math.isfinite, outcome.figures.values())):
            raise DataError("has figures that are no numbers")
        return outcome

    def put(self, piece: Piece, outcome: Outcome) -> None:
        """Keep what came of a piece; of the first seed, the network too.

        Raises:
            StorageError: if it cannot be written.
        """
        if outcome.net is not None and piece.seed == 0:
            path = self._path(piece, ".safetensors")
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(ModelError):  # layers of a notebook's own cannot be described in a file
                Classifier(outcome.net).save(path)
        measured = replace(outcome, machine=machine())
        told = {"what": piece.what, **self._identity(piece), "outcome": measured.plain()}
        with replacing(self._path(piece, ".json")) as temporary:
            temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def network(self, piece: Piece) -> Network | None:
        """Return the network that came of a piece; None: there is none."""
        path = self._path(piece, ".safetensors")
        try:
            return load_model(path).network if path.is_file() else None
        except HandgradError as error:
            self._say(path, f"a network is not shown: {error}")
            return None

    def checkpoint(self, piece: Piece) -> Path:
        """Return where a piece is kept while it goes on."""
        return self._path(piece, ".unfinished")

    def _say(self, path: Path, sentence: str) -> None:
        """Say something of a file, once."""
        if path not in self._warned:
            self._warned.add(path)
            self._warn(sentence)

    def _path(self, piece: Piece, suffix: str) -> Path:
        said = json.dumps(self._identity(piece), sort_keys=True)
        key = hashlib.sha256(said.encode()).hexdigest()[:8]
        return self.folder / piece.notebook / f"{key}-{piece.seed}{suffix}"

    def _identity(self, piece: Piece) -> dict[str, str | int]:
        """Return all that decides what comes of a piece."""
        return {
            "part": described(piece.part),
            "seed": piece.seed,
            "data": self.digests[piece.data],
            "engine": self.engine,
        }


def described(value: object) -> str:
    """Return a value as `repr` does, but without the fields that have their default.

    So a field that is added later, for something new, leaves all names as they are.

    >>> described(hg.Adam(0.01))
    'Adam(lr=0.01)'
    """
    if isinstance(value, tuple | list):
        return f"({', '.join(map(described, value))})"
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    told = (
        f"{field.name}={described(getattr(value, field.name))}"
        for field in fields(value)
        if getattr(value, field.name) != field.default
    )
    return f"{type(value).__name__}({', '.join(told)})"
