"""The folder of a training run.

model.safetensors      the classifier, with data, settings, versions and scores
config.toml            the settings; `handgrad train --config` reads them
history.csv, .json     one record for each epoch; history.jsonl has each as soon as it is known
mlflow.json            the run's name in an MLflow store, if it was logged there
figures/               learning curves, weights, predictions, confusion, mistakes
checkpoints/           until the run is finished, for `handgrad train --resume`
"""

from handgrad.runs.folder import (
    checkpoints,
    find_checkpoint,
    finish,
    has_checkpoint,
    resume_run,
    start_run,
)
from handgrad.runs.held_out import load_held_out, load_test, load_validation
from handgrad.runs.run import Run, calibrate_on, load_run, model_file, versions, write

__all__ = [
    "Run",
    "calibrate_on",
    "checkpoints",
    "find_checkpoint",
    "finish",
    "has_checkpoint",
    "load_held_out",
    "load_run",
    "load_test",
    "load_validation",
    "model_file",
    "resume_run",
    "start_run",
    "versions",
    "write",
]
