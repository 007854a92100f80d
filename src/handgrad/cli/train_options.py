"""The options of `handgrad train` that are settings of the run.

Generated from `RunConfig` by ``python -m tests.runs.train_options_source``; do not edit. The
module contains only text, so that the command line starts without loading pydantic and NumPy.
"""

# ruff: noqa: E501
# fmt: off

from typing import NamedTuple


class TrainOption(NamedTuple):
    """One option.

    Attributes:
        name: the name of the setting.
        flags: the option's names on the command line.
        metavar: the placeholder for the value in the help.
        panel: the heading above the option in the help.
        is_switch: whether the option is a pair of flags, such as --amp and --no-amp.
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
        "Name of a data set: digits, mnist, fashion-mnist or kmnist; or the path of your own images: a folder of images, a table (CSV, TSV or Parquet), an array file (NPZ, NPY or MAT), or a folder with such files. Default: digits.",
    ),
    TrainOption(
        "size", ("--size",), "N", "Your own images", False,
        "Resize your images to NxN pixels; arrays only together with --preprocessing. Default: the size of the images if all have the same size of at most 64, otherwise 28, or 32 for colour images.",
    ),
    TrainOption(
        "preprocessing", ("--preprocessing",), "NAME", "Your own images", False,
        "Preprocessing of your images: plain (resize only), light (grayscale, with a light object on a dark background) or drawing (for drawings and photographs of a single character). Default: plain, in colour if the images are in colour; arrays are used as they are.",
    ),
    TrainOption(
        "skip_broken", ("--skip-broken/--no-skip-broken",), "X", "Your own images", True,
        "Leave out image files that cannot be read, and name them; otherwise they are an error. Default: no.",
    ),
    TrainOption(
        "model", ("--model",), "NAME", "Options", False,
        "Name of a built-in network; `handgrad models` lists them. Default: smallnet; with --from, the network of that model.",
    ),
    TrainOption(
        "from_run", ("--from",), "RUN", "Options", False,
        "Continue training: start with the network, weights and preprocessing of the model in this run's folder or model file. The classes are those of the new data: known classes keep their rows in the last layer, and other classes get new rows. Default: start with random weights.",
    ),
    TrainOption(
        "freeze", ("--freeze",), "N", "Training", False,
        "Number of first layers to freeze: their parameters and buffers do not change, and they run in inference mode; or \"features\" for all layers with parameters before the last Dense. Default: 0.",
    ),
    TrainOption(
        "epochs", ("--epochs",), "N", "Epochs and early stopping", False,
        "Maximum number of epochs. Default: 20 on digits, otherwise 10; for few images of your own, more epochs, to make 500 updates, but at most 200.",
    ),
    TrainOption(
        "batch_size", ("--batch", "--batch-size",), "N", "Training", False,
        "Batch size: the number of images per update. If there are fewer training images than the default batch size, they form one batch. Default: 64.",
    ),
    TrainOption(
        "optimizer", ("--optimizer",), "NAME", "Training", False,
        "Optimizer: sgd, momentum, nesterov, adam or adamw. Default: adamw.",
    ),
    TrainOption(
        "lr", ("--lr",), "X", "Training", False,
        "Learning rate, which the schedule changes during training; for the one-cycle schedule, the maximum learning rate. Default: 0.3 for sgd, 0.05 for momentum and nesterov, 0.01 for adam and adamw.",
    ),
    TrainOption(
        "momentum", ("--momentum",), "X", "Training", False,
        "Momentum, for the optimizers momentum and nesterov. Default: 0.9.",
    ),
    TrainOption(
        "weight_decay", ("--weight-decay",), "X", "Training", False,
        "Weight decay, for all optimizers except adam. Default: 0.01 for adamw, otherwise 0.",
    ),
    TrainOption(
        "schedule", ("--schedule",), "NAME", "Training", False,
        "Learning rate schedule: constant, step, cosine, one-cycle or plateau. Default: one-cycle.",
    ),
    TrainOption(
        "label_smoothing", ("--label-smoothing",), "X", "Training", False,
        "Label smoothing: the fraction of each target that is spread evenly over all classes. Default: 0.",
    ),
    TrainOption(
        "clip_norm", ("--clip-norm",), "X", "Training", False,
        "Gradient clipping: the maximum norm of all gradients together; if the norm is larger, the gradients are scaled down; 0: no limit. Default: 0.",
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
        "Weight averaging: the network gets the average of its weights over about this number of last epochs, instead of its last weights; 0: no averaging. Default: 0.",
    ),
    TrainOption(
        "validation", ("--validation",), "X", "Epochs and early stopping", False,
        "Fraction of the training images that is set aside for validation; 0: no validation. Default: 0.1.",
    ),
    TrainOption(
        "patience", ("--patience",), "N", "Epochs and early stopping", False,
        "Early stopping: training stops if the validation loss (or the training loss, if there are no validation images) has not decreased for this number of epochs, and the weights of the best epoch are restored; 0: train for all epochs and keep the last weights. Default: 10; the number of epochs, if it was raised for few images.",
    ),
    TrainOption(
        "min_delta", ("--min-delta",), "X", "Epochs and early stopping", False,
        "Smallest decrease of the loss that counts as an improvement for early stopping. Default: 0.",
    ),
    TrainOption(
        "seed", ("--seed",), "N", "Options", False,
        "Seed of all random choices, such as the order of the images. It also determines the initial weights. Default: 0.",
    ),
    TrainOption(
        "engine", ("--engine",), "NAME", "Options", False,
        "Engine that computes the training steps: compiled, reference, torch, or auto for compiled if possible, otherwise reference. Default: auto.",
    ),
    TrainOption(
        "device", ("--device",), "NAME", "With --engine torch", False,
        "Device that PyTorch uses: auto, cpu or cuda. Default: auto, which uses a GPU if there is one.",
    ),
    TrainOption(
        "amp", ("--amp/--no-amp",), "X", "With --engine torch", True,
        "Use mixed precision: compute matrix products in bfloat16. Default: no.",
    ),
    TrainOption(
        "compile", ("--compile/--no-compile",), "X", "With --engine torch", True,
        "Compile the network with torch.compile. Default: no.",
    ),
    TrainOption(
        "on_divergence", ("--on-divergence",), "WORD", "Interruption and divergence", False,
        "What to do if the loss or a weight becomes NaN or infinite: \"stop\" ends training with an error; \"lower-lr\" returns to the last checkpoint and halves the learning rate, at most three times. Default: stop.",
    ),
    TrainOption(
        "checkpoint_minutes", ("--checkpoint-minutes",), "N", "Interruption and divergence", False,
        "Save a checkpoint every N minutes within an epoch; 0: only after each epoch. Default: 1.",
    ),
    TrainOption(
        "calibrate", ("--calibrate/--no-calibrate",), "X", "Options", True,
        "Calibrate the probabilities on the validation images. Default: yes.",
    ),
    TrainOption(
        "figures", ("--figures/--no-figures",), "X", "Options", True,
        "Draw figures of the results, such as learning curves. Default: yes.",
    ),
    TrainOption(
        "data_dir", ("--data-dir",), "DIR", "Options", False,
        "Folder with the files of mnist, fashion-mnist or kmnist. Default: $HANDGRAD_DATA, then the cache; missing files are downloaded.",
    ),
    TrainOption(
        "out", ("--out",), "DIR", "Options", False,
        "Folder for the run. Default: runs/DATA-MODEL-N, with the first free number N.",
    ),
)
