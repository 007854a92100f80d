"""A run's folder, from its first step to what one sees of it.

model.safetensors      the network; with it data, settings, versions and scores
config.toml            the settings; `handgrad train --config` takes them again
history.csv, .json     one record for each epoch; history.jsonl has them as they come
mlflow.json            the run's name in an MLflow store, where it was told of it
figures/               learning curves, weights, predictions, confusion, mistakes
checkpoints/           only until the run is finished: what `handgrad train --resume` goes on from
"""

from handgrad.runs.calibrate import calibrate_on
from handgrad.runs.folder import begun, checkpoints, finish, gone_on, has_checkpoint, stopped
from handgrad.runs.held_out import load_others
from handgrad.runs.run import Run, load_run, load_test, load_validation, model_file, versions, write

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
