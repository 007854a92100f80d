"""A complete program that trains one configuration with PyTorch."""

import time

STARTED = time.perf_counter()

import gzip  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from torch.optim.adamw import adamw  # noqa: E402

IMPORTED = time.perf_counter()

NETWORKS = {
    "online-mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)
    ),
    "convnet": lambda: nn.Sequential(
        nn.Conv2d(1, 10, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(10, 20, 5),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(320, 50),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(50, 10),
    ),
    "dense-64": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10)
    ),
    "dense-128": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10)
    ),
    "conv-8-16": lambda: nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 5),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 10),
    ),
}


def main(config: dict[str, Any]) -> dict[str, float]:
    """Train and evaluate; return the accuracy and the time of each stage in seconds."""
    torch.manual_seed(config["seed"])
    folder, as_bytes = Path(config["folder"]), config["bytes"]
    X, y = read(folder, "train", as_bytes)
    X_test, y_test = read(folder, "t10k", as_bytes)
    loaded = time.perf_counter()
    model = NETWORKS[config["network"]]().to(memory_format=torch.channels_last)
    last_epoch = fit(model, X, y, config)
    trained = time.perf_counter()
    accuracy = evaluate(model, X_test, y_test)
    return {
        "import": IMPORTED - STARTED,
        "load": loaded - IMPORTED,
        "train": trained - loaded,
        "last epoch": last_epoch,
        "evaluate": time.perf_counter() - trained,
        "accuracy": accuracy,
    }


def read(folder: Path, part: str, as_bytes: bool) -> tuple[Tensor, Tensor]:
    """Return images (N, 1, 28, 28), as float32 in [0, 1] or as uint8, and labels (N,)."""
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    X = torch.frombuffer(bytearray(images), dtype=torch.uint8, offset=16).view(-1, 1, 28, 28)
    y = torch.frombuffer(bytearray(labels), dtype=torch.uint8, offset=8)
    return X if as_bytes else scaled(X), y.long()


def scaled(X: Tensor) -> Tensor:
    """Return the images as float32 in [0, 1]."""
    return X.float().div_(255) if X.dtype == torch.uint8 else X


class AdamW:
    """PyTorch's fused AdamW with a one-cycle schedule.

    It calls PyTorch's functional AdamW, because the first `torch.optim.Optimizer` that a process
    creates imports PyTorch's compiler, which takes a second.
    """

    def __init__(self, model: nn.Module, config: dict[str, Any], steps: int) -> None:
        self.parameters = list(model.parameters())
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.square = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.zeros(()) for _ in self.parameters]
        self.config, self.last, self.made = config, steps - 1, 0

    def lr(self) -> float:
        """Return the learning rate, which rises and then falls, each time along half a cosine."""
        share, warm_up = self.made / self.last, self.config["warm_up"]
        if share < warm_up:
            start, end, along = 0.04, 1.0, share / warm_up
        else:
            start, end, along = 1.0, 4e-6, (share - warm_up) / (1 - warm_up)
        factor = end + (start - end) * (1 + math.cos(math.pi * along)) / 2
        return float(self.config["lr"] * factor)

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters once, and delete the gradients."""
        adamw(
            self.parameters,
            [p.grad for p in self.parameters if p.grad is not None],
            self.mean,
            self.square,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            maximize=False,
            lr=self.lr(),
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.01,
            eps=1e-8,
        )
        self.made += 1
        for parameter in self.parameters:
            parameter.grad = None


def fit(model: nn.Module, X: Tensor, y: Tensor, config: dict[str, Any]) -> float:
    """Train the model, and return the duration of the last epoch in seconds."""
    batch, smoothing = config["batch"], config["smoothing"]
    optimizer = AdamW(model, config, config["epochs"] * -(-len(X) // batch))
    for _ in range(config["epochs"]):
        started = time.perf_counter()
        for at in torch.randperm(len(X)).split(batch):
            logits = model(scaled(X[at]))
            cross_entropy(logits, y[at], label_smoothing=smoothing).backward()
            optimizer.step()
    return time.perf_counter() - started


@torch.inference_mode()
def evaluate(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """Return the accuracy of the model on images X with labels y."""
    model.eval()
    guesses = torch.cat([model(scaled(part)).argmax(1) for part in X.split(1000)])
    return (guesses == y).float().mean().item()


if __name__ == "__main__":
    from benchmarks.cold.memory import peak_mebibytes

    figures = main(json.loads(sys.argv[1]))
    print(json.dumps({**figures, "peak MiB": peak_mebibytes()}))
