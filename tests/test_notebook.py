"""The example notebook runs completely and shows every display."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples/displays.ipynb"


def test_the_notebook_is_stored_without_outputs() -> None:
    text = NOTEBOOK.read_text()
    assert '"execution_count": null' in text
    assert '"output_type"' not in text


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the kernel's transport
@pytest.mark.skipif(
    not (find_spec("nbclient") and find_spec("ipykernel")), reason="pip install nbclient ipykernel"
)
def test_the_notebook_runs_and_shows_every_display() -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [
        output.data["text/html"] for output in outputs if output.output_type == "execute_result"
    ]
    assert len(shown) == 8
    (bar,) = (output for output in outputs if output.output_type == "display_data")
    assert bar.data["text/plain"].startswith("epochs: 8.0/8 |")
    assert "val_accuracy=" in bar.data["text/plain"]
    assert [output for output in outputs if output.output_type == "stream"] == []
