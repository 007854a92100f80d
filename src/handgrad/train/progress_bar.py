"""Shows the progress of a training run in a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from handgrad.train.history import Epoch


class ProgressBar:
    """A progress bar that counts epochs; it wraps a tqdm progress bar.

    Args:
        bar: the tqdm progress bar, or None to show no progress bar.
    """

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self.update = None if bar is None else self._update

    def _update(self, epochs_done: float) -> None:
        self._bar.n = round(epochs_done, 1)
        self._bar.refresh()

    def show(self, record: Epoch) -> None:
        """Show the losses and accuracies of an epoch next to the bar."""
        if self._bar is None:
            return
        shown = {"loss": f"{record.loss:.4f}", "accuracy": f"{record.accuracy:.2%}"}
        if record.validation_loss is not None:
            shown["val_loss"] = f"{record.validation_loss:.4f}"
            shown["val_accuracy"] = f"{record.validation_accuracy:.2%}"
        self._bar.n = record.number
        self._bar.set_postfix(shown)


class NotebookLine:
    """An output stream that shows only the last line written to it, in a notebook.

    This output needs no notebook widgets, and a saved notebook contains only the last line.
    """

    def __init__(self) -> None:
        display: Any = import_module("IPython.display").display  # IPython has few types
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text: str) -> None:
        """Replace the line with the given text, unless the text is empty."""
        if line := text.strip():
            self._handle.update({"text/plain": line}, raw=True)

    def flush(self) -> None:
        """Do nothing, because `write` has already shown the text."""


@contextmanager
def progress_bar(epochs: int, verbose: bool) -> Iterator[ProgressBar]:
    """Yield a progress bar for the terminal or notebook; it is shown only if `verbose` is true."""
    if not verbose:
        yield ProgressBar(None)
        return
    from tqdm import tqdm

    layout = "{desc}: {n:.1f}/{total_fmt} |{bar}| {elapsed}{postfix}"
    output: dict[str, Any] = {}
    if in_notebook():
        output = {"file": NotebookLine(), "ncols": 100, "ascii": False}
    with tqdm(total=epochs, desc="epochs", bar_format=layout, **output) as bar:
        yield ProgressBar(bar)


def in_notebook() -> bool:
    """Return whether the program runs in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config
