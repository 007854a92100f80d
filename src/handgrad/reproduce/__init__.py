"""Five published notebooks: run as published, corrected, in PyTorch, and with better settings."""

from handgrad.reproduce.catalog import NOTEBOOKS, notebooks
from handgrad.reproduce.experiment import RunContext, RunResult
from handgrad.reproduce.notebook import Erratum, Experiment, Notebook
from handgrad.reproduce.report import ReproductionReport, report
from handgrad.reproduce.results import NotebookResults
from handgrad.reproduce.runner import ProgressListener, digests, pending, run
from handgrad.reproduce.store import Job, ResultStore, jobs

__all__ = [
    "NOTEBOOKS",
    "Erratum",
    "Experiment",
    "Job",
    "Notebook",
    "NotebookResults",
    "ProgressListener",
    "ReproductionReport",
    "ResultStore",
    "RunContext",
    "RunResult",
    "digests",
    "jobs",
    "notebooks",
    "pending",
    "report",
    "run",
]
