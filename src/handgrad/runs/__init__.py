"""The folder of a training run.

model.safetensors      the classifier with its data set, settings, versions and scores
config.toml            the settings; `handgrad train --config` reads them
training-images.npy    a hash of each image that the model was trained on
history.csv, .json     one record per epoch; history.jsonl is written during training
mlflow.json            the name of the run in MLflow, if it was logged there
figures/               learning curves, weights, predictions, confusion matrices, mistakes
checkpoints/           checkpoints for `handgrad train --resume`, until the run is finished
"""

from handgrad.runs.folder import (
    checkpoints,
    find_checkpoint,
    finish,
    has_checkpoint,
    is_in_use,
    resume_run,
    start_run,
)
from handgrad.runs.held_out import (
    check_test,
    is_test_data_of,
    knows_all_training_images,
    load_all,
    load_ood,
    load_test,
    load_validation,
    used_in_training,
)
from handgrad.runs.run import (
    Run,
    calibrate_on,
    describe_data,
    load_run,
    model_file,
    versions,
    write,
)
from handgrad.runs.start_model import StartModel
from handgrad.runs.train_run import TrainRun

__all__ = [
    "Run",
    "StartModel",
    "TrainRun",
    "calibrate_on",
    "check_test",
    "checkpoints",
    "describe_data",
    "find_checkpoint",
    "finish",
    "has_checkpoint",
    "is_in_use",
    "is_test_data_of",
    "knows_all_training_images",
    "load_all",
    "load_ood",
    "load_run",
    "load_test",
    "load_validation",
    "model_file",
    "resume_run",
    "start_run",
    "used_in_training",
    "versions",
    "write",
]
