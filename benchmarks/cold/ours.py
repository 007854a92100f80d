"""A recipe trained by handgrad, from a cold start."""

import time

BEGAN = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import handgrad as hg  # noqa: E402

IMPORTED = time.perf_counter()


def main(recipe: dict[str, Any]) -> dict[str, float]:
    """Train and evaluate, and return the accuracy and the seconds of each part."""
    train, test = hg.load(recipe["data"], recipe["folder"])
    loaded = time.perf_counter()
    layers = hg.models.named(recipe["network"])
    net = hg.Network(layers, train.shape, train.classes, seed=recipe["seed"])
    history = hg.fit(
        net,
        train,
        None,
        epochs=recipe["epochs"],
        batch_size=recipe["batch"],
        optimizer=hg.AdamW(recipe["lr"]),
        schedule=hg.OneCycle(),
        patience=None,
        seed=recipe["seed"],
        engine=recipe["engine"],
    )
    trained = time.perf_counter()
    accuracy = hg.evaluate(net, test).accuracy
    return {
        "import": IMPORTED - BEGAN,
        "load": loaded - IMPORTED,
        "train": trained - loaded,
        "last epoch": history[-1].seconds,
        "evaluate": time.perf_counter() - trained,
        "accuracy": accuracy,
    }


if __name__ == "__main__":
    from benchmarks.cold.memory import peak_mib

    figures = main(json.loads(sys.argv[1]))
    print(json.dumps({**figures, "peak MiB": peak_mib()}))
