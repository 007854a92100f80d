"""The session: what one server shows. It has a model, data, or both, and it loads them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.data import SOURCES, check_data_dir, is_user_data
from handgrad.errors import ConfigError, HandgradError, did_you_mean
from handgrad.files import expanded

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.data import Dataset


CLOSE_SECONDS = 1.3


class Session:
    """The model and the data of one server. All endpoints share it.

    The first endpoint that needs the model or the data loads it; others that need the same wait.

    Args:
        path: the model file or run folder, or None.
        data: the name of a data set or the path of images, or None to use the data of the run.
        data_dir: the folder with the files of mnist, fashion-mnist or kmnist, or None.
        runs: the folder in which new runs are stored.

    Attributes:
        compute: a lock for everything that uses the model's engine. The model is replaced only
            under this lock, so that a thread that has it uses a model and the data of this model.
        version: increases whenever the model is replaced.
        interrupted_run: after `close`, the folder of a run that was interrupted and can be resumed.
    """

    def __init__(
        self,
        path: Path | None = None,
        data: str | None = None,
        data_dir: Path | None = None,
        runs: Path = Path("runs"),
    ) -> None:
        self.path, self.data_dir, self.runs = path, data_dir, runs
        self.compute = threading.RLock()
        # The names are known while images are loaded or the engine is busy. A thread that needs
        # several locks takes them in this order: compute, data, model.
        self._data_lock, self._model_lock = threading.RLock(), threading.RLock()
        self.version = 1
        self.interrupted_run: Path | None = None
        self._data_name = data
        self._model: tuple[Classifier, dict[str, Any]] | None = None
        self._data: tuple[Dataset, Dataset] | None = None
        self._at_close: list[Callable[[], None]] = []

    @property
    def classifier(self) -> Classifier:
        """The model.

        Raises:
            ConfigError: if there is none yet.
            ModelError: if it cannot be read.
        """
        return self._loaded()[0]

    @property
    def about(self) -> dict[str, Any]:
        """The metadata in the model file."""
        return self._loaded()[1]

    @property
    def data_name(self) -> str | None:
        """The name or path of the data, or None if it is unknown."""
        if self._data_name is None and self.path is not None:
            about = self.about.get("data")
            found = about.get("name") if isinstance(about, dict) else None
            return found if isinstance(found, str) else None
        return self._data_name

    @property
    def data(self) -> tuple[Dataset, Dataset]:
        """The training images and the test images.

        Raises:
            ConfigError: if it is unknown which data the model belongs to.
            DataError: if the images cannot be loaded.
        """
        with self._data_lock:
            if self._data is None:
                self._data = self._load_data()
            return self._data

    def load_model(self) -> None:
        """Load the model now, so that a damaged model file is refused before the page is served."""
        self._loaded()

    def open_model(self, path: Path) -> None:
        """Replace the model by the one of a run folder or model file.

        Raises:
            ModelError: if it cannot be read; the session then keeps its model.
        """
        from handgrad.runs import load_run, model_file

        model = load_run(model_file(path))
        with self.compute, self._data_lock, self._model_lock:
            self._model = model
            self.path = path
            self.version += 1
            self._data = None

    def model_bytes(self) -> bytes:
        """Return the contents of the model file."""
        from handgrad.runs import model_file

        if self.path is None:
            raise ConfigError("there is no model yet; train one in the view Train")
        return model_file(self.path).read_bytes()

    def at_close(self, end: Callable[[], None]) -> None:
        """Call a function, in another thread, when the session is closed."""
        self._at_close.append(end)

    def close(self) -> None:
        """End everything that runs for this session, but wait at most `CLOSE_SECONDS`."""
        threads = [threading.Thread(target=end, daemon=True) for end in self._at_close]
        for thread in threads:
            thread.start()
        last = time.monotonic() + CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))

    def describe(self) -> dict[str, Any]:
        """Return the names of the model and the data as JSON data, without loading images."""
        with self._model_lock:
            return {
                "version": self.version,
                "model": None if self.path is None else self.path.name,
                "data": self.data_name,
            }

    def _load_data(self) -> tuple[Dataset, Dataset]:
        """Load the data of the run, with the same settings as in its training, or other data."""
        from handgrad.runs import check_test, model_file
        from handgrad.runs.config import RunConfig
        from handgrad.runs.settings import original_settings

        name = self.data_name
        if name is None:
            raise ConfigError(
                "the model file does not say which images it was trained on; start "
                "`handgrad open` with the folder of a run"
            )
        about = {} if self.path is None else self.about
        own = about["data"].get("name") if isinstance(about.get("data"), dict) else None
        if "config" not in about or name != own:
            return RunConfig(data=name, data_dir=self.data_dir).load_data(progress=False)
        assert self.path is not None
        settings = original_settings(about["config"], model_file(self.path))
        config = RunConfig.model_validate(settings)
        if self.data_dir is not None:
            config = config.model_copy(update={"data_dir": self.data_dir})
        start = None if config.from_run is None else self.classifier
        train, test = config.load_data(False, start)
        if is_user_data(name):
            check_test(train, test, about["data"])
        return train, test

    def _loaded(self) -> tuple[Classifier, dict[str, Any]]:
        from handgrad.runs import load_run, model_file

        with self._model_lock:
            if self.path is None:
                raise ConfigError("there is no model yet; train one in the view Train")
            if self._model is None:
                self._model = load_run(model_file(self.path))
            return self._model


def session_for(target: str | None, data_dir: Path | None = None) -> Session:
    """Return the session for the argument of `handgrad open`.

    Args:
        target: a run folder, a model file, the name of a data set or the path of images; or None
            for the digits.
        data_dir: the folder with the files of mnist, fashion-mnist or kmnist, or None.

    Raises:
        ConfigError: if the target is anything else.
        ModelError: if the model file is damaged.
    """
    from handgrad.runs import model_file

    if target is None:
        target = "digits"
    path = expanded(target)
    is_other_file = path.is_file() and path.suffix != ".safetensors"
    try:
        model_file(path)
    except HandgradError as error:
        if path.is_dir() and "interrupted" in str(error):
            raise
        is_other_file = True
    if is_other_file:
        session = _data_session(target, path, data_dir)
    else:
        session = Session(path.absolute(), data_dir=data_dir)
        session.load_model()
    if data_dir is not None and session.data_name is not None:
        check_data_dir(session.data_name, data_dir)
    return session


def _data_session(target: str, path: Path, data_dir: Path | None) -> Session:
    """Return a session without a model, for data that are given by name or path."""
    if target in SOURCES:
        return Session(data=target, data_dir=data_dir)
    if is_user_data(target) and path.exists():
        return Session(data=str(path.absolute()), data_dir=data_dir)
    raise ConfigError(
        f"{target} is neither a run, a model file, a data set nor a folder of images"
        f"{did_you_mean(target, SOURCES)}; the data sets are {', '.join(SOURCES)}"
    )
