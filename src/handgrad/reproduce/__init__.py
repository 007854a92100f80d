"""Five published notebooks: run as they are, corrected, in PyTorch, and at their best."""

from handgrad.reproduce.catalog import NOTEBOOKS, notebooks
from handgrad.reproduce.experiment import Outcome, Setting
from handgrad.reproduce.findings import Findings
from handgrad.reproduce.notebook import Erratum, Experiment, Notebook
from handgrad.reproduce.report import Report, report
from handgrad.reproduce.running import Watch, digests, left, run
from handgrad.reproduce.store import Piece, Store, pieces

__all__ = [
    "NOTEBOOKS",
    "Erratum",
    "Experiment",
    "Findings",
    "Notebook",
    "Outcome",
    "Piece",
    "Report",
    "Setting",
    "Store",
    "Watch",
    "digests",
    "left",
    "notebooks",
    "pieces",
    "report",
    "run",
]
