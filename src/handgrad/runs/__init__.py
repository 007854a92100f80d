"""The folder of a training run.

model.safetensors      the classifier, with data, settings, versions and scores
config.toml            the settings; `handgrad train --config` reads them
history.csv, .json     one record for each epoch; history.jsonl has each as soon as it is known
mlflow.json            the run's name in an MLflow store, if it was logged there
figures/               learning curves, weights, predictions, confusion, mistakes
checkpoints/           until the run is finished, for `handgrad train --resume`
"""

from handgrad.runs.folder import begun, checkpoints, finish, gone_on, has_checkpoint, stopped
from handgrad.runs.held_out import load_others
from handgrad.runs.run import (
    Run,
    calibrate_on,
    load_run,
    load_test,
    load_validation,
    model_file,
    versions,
    write,
)

__all__ = [
    "Run",
    "begun",
    "calibrate_on",
    "checkpoints",
    "finish",
    "gone_on",
    "has_checkpoint",
    "load_others",
    "load_run",
    "load_test",
    "load_validation",
    "model_file",
    "stopped",
    "versions",
    "write",
]
