"""The options of `handgrad train` that are settings of the run.

Generated from `RunConfig` by ``python -m tests.runs.train_options_source``; do not edit. It holds
text only, so that the command line starts without loading pydantic and NumPy.
"""

# ruff: noqa: E501
# fmt: off

from typing import NamedTuple


class TrainOption(NamedTuple):
    """One option.

    Attributes:
        name: the name of the setting.
        flags: the option's names on the command line.
        metavar: what stands for the value in the help.
        panel: the heading above the option in the help.
        is_switch: whether the option is true or false.
        help: the help text, with the default value.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    panel: str
    is_switch: bool
    help: str


OPTIONS = (
    TrainOption(
        "data", ("--data",), "DATA", "Options", False,
        "digits, mnist, fashion-mnist or kmnist; or your own images: FOLDER with FOLDER/CLASS/*.png, an NPZ or a CSV file. Default: digits.",
    ),
    TrainOption(
        "size", ("--size",), "N", "Your own images", False,
        "Resize your images to NxN pixels. Default: their own size up to 64, otherwise 28.",
    ),
    TrainOption(
        "preprocessing", ("--preprocessing",), "NAME", "Your own images", False,
        "Preprocessing of your images: plain, light or drawing. Default: plain, in colour if the images are.",
    ),
    TrainOption(
        "model", ("--model",), "NAME", "Options", False,
        "Name of the network: see `handgrad models`. Default: smallnet.",
    ),
    TrainOption(
        "epochs", ("--epochs",), "N", "Stopping", False,
        "Maximum number of epochs. Default: 20 on digits, otherwise 10.",
    ),
    TrainOption(
        "batch_size", ("--batch", "--batch-size",), "N", "Training", False,
        "Number of images per update. Fewer training images than the default make one batch. Default: 64.",
    ),
    TrainOption(
        "optimizer", ("--optimizer",), "NAME", "Training", False,
        "Name of the optimizer: sgd, momentum, nesterov, adam or adamw. Default: adamw.",
    ),
    TrainOption(
        "lr", ("--lr",), "X", "Training", False,
        "Learning rate before the schedule changes it. Default: 0.3 for sgd, 0.05 for momentum and nesterov, 0.01 for adam and adamw.",
    ),
    TrainOption(
        "momentum", ("--momentum",), "X", "Training", False,
        "Momentum of the optimizers momentum and nesterov. Default: 0.9.",
    ),
    TrainOption(
        "weight_decay", ("--weight-decay",), "X", "Training", False,
        "Weight decay; not for adam. Default: 0.01 for adamw, otherwise 0.",
    ),
    TrainOption(
        "schedule", ("--schedule",), "NAME", "Training", False,
        "Learning rate schedule: constant, step, cosine, one-cycle or plateau. Default: one-cycle.",
    ),
    TrainOption(
        "label_smoothing", ("--label-smoothing",), "X", "Training", False,
        "Label smoothing: the share of each target spread over all classes. Default: 0.",
    ),
    TrainOption(
        "clip_norm", ("--clip-norm",), "X", "Training", False,
        "Maximum norm of all gradients together; 0: no limit. Default: 0.",
    ),
    TrainOption(
        "class_weights", ("--class-weights",), "W", "Training", False,
        "Weight of each class in the loss: none, balanced (the same total weight for every class), or weights by label such as 3=2,5=1; other labels have weight 1. Default: none.",
    ),
    TrainOption(
        "augment", ("--augment",), "NAME", "Training", False,
        "Random augmentation of the training images, different in every epoch: none, light, drawings, fashion, or settings such as shift=0.1,rotation=10. Default: none.",
    ),
    TrainOption(
        "average_weights", ("--average-weights",), "X", "Training", False,
        "Average the weights over about this many of the last epochs, and keep the average; 0: no average. Default: 0.",
    ),
    TrainOption(
        "validation", ("--validation",), "X", "Stopping", False,
        "Share of the training images that is set aside for validation; 0: none. Default: 0.1.",
    ),
    TrainOption(
        "patience", ("--patience",), "N", "Stopping", False,
        "Stop after this many epochs without a lower loss and restore the best weights; 0: train to the end and keep the last weights. Default: 10.",
    ),
    TrainOption(
        "min_delta", ("--min-delta",), "X", "Stopping", False,
        "A smaller decrease of the loss does not count. Default: 0.",
    ),
    TrainOption(
        "seed", ("--seed",), "N", "Options", False,
        "Seed of all random choices, such as the order of the images. It also gives the initial weights. Default: 0.",
    ),
    TrainOption(
        "engine", ("--engine",), "NAME", "Options", False,
        "Engine that computes the training steps: compiled, reference, torch, or auto for the fastest available. Default: auto.",
    ),
    TrainOption(
        "device", ("--device",), "NAME", "With --engine torch", False,
        "Device that computes. Default: auto, a GPU if there is one.",
    ),
    TrainOption(
        "amp", ("--amp/--no-amp",), "X", "With --engine torch", True,
        "Mixed precision: matrix products in bfloat16. Default: no.",
    ),
    TrainOption(
        "compile", ("--compile/--no-compile",), "X", "With --engine torch", True,
        "Compile the network with torch.compile. Default: no.",
    ),
    TrainOption(
        "on_divergence", ("--on-divergence",), "WORD", "Interruption", False,
        "What to do if a value is not finite: \"stop\" ends with an error; \"lower-lr\" returns to the last checkpoint and halves the learning rate, at most three times. Default: stop.",
    ),
    TrainOption(
        "checkpoint_minutes", ("--checkpoint-minutes",), "N", "Interruption", False,
        "Minutes between checkpoints within an epoch; 0: only after each epoch. Default: 1.",
    ),
    TrainOption(
        "calibrate", ("--calibrate/--no-calibrate",), "X", "Options", True,
        "Calibrate the probabilities on the validation images. Default: yes.",
    ),
    TrainOption(
        "figures", ("--figures/--no-figures",), "X", "Options", True,
        "Draw the figures of the run. Default: yes.",
    ),
    TrainOption(
        "data_dir", ("--data-dir",), "DIR", "Options", False,
        "Folder of the data files. Default: $HANDGRAD_DATA, the cache, or a download.",
    ),
    TrainOption(
        "out", ("--out",), "DIR", "Options", False,
        "Folder for the run. Default: runs/DATA-MODEL-1, -2 and so on.",
    ),
)
