"""A recipe trained by PyTorch, from a cold start."""

import time

BEGAN = time.perf_counter()

import gzip  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

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
}


def main(recipe: dict[str, Any]) -> dict[str, float]:
    """Train and evaluate, and return the accuracy and the seconds of each part."""
    torch.manual_seed(recipe["seed"])
    folder = Path(recipe["folder"])
    X, y = read(folder, "train")
    X_test, y_test = read(folder, "t10k")
    loaded = time.perf_counter()
    model = NETWORKS[recipe["network"]]()
    last_epoch = fit(model, X, y, recipe)
    trained = time.perf_counter()
    accuracy = evaluate(model, X_test, y_test)
    return {
        "import": IMPORTED - BEGAN,
        "load": loaded - IMPORTED,
        "train": trained - loaded,
        "last epoch": last_epoch,
        "evaluate": time.perf_counter() - trained,
        "accuracy": accuracy,
    }


def read(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Return pictures (N, 1, 28, 28) from 0 to 1, and labels (N,)."""
    pictures = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    X = torch.frombuffer(bytearray(pictures), dtype=torch.uint8, offset=16)
    y = torch.frombuffer(bytearray(labels), dtype=torch.uint8, offset=8)
    return X.view(-1, 1, 28, 28).float().div_(255), y.long()


def fit(model: nn.Module, X: Tensor, y: Tensor, recipe: dict[str, Any]) -> float:
    """Train, and return the seconds of the last epoch."""
    steps = -(-len(X) // recipe["batch"])
    optimizer = torch.optim.AdamW(model.parameters(), recipe["lr"], fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe["lr"], epochs=recipe["epochs"], steps_per_epoch=steps
    )
    for _ in range(recipe["epochs"]):
        began = time.perf_counter()
        for batch in torch.randperm(len(X)).split(recipe["batch"]):
            cross_entropy(model(X[batch]), y[batch]).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return time.perf_counter() - began


@torch.inference_mode()
def evaluate(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """Return the share of pictures that are right."""
    model.eval()
    guesses = torch.cat([model(part).argmax(1) for part in X.split(1000)])
    return (guesses == y).float().mean().item()


if __name__ == "__main__":
    from benchmarks.cold.memory import peak_mib

    figures = main(json.loads(sys.argv[1]))
    print(json.dumps({**figures, "peak MiB": peak_mib()}))
