"""A whole program: trains a recipe with handgrad."""

import time

STARTED = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import handgrad as hg  # noqa: E402
from handgrad.engines import TrainConfig, engine_named  # noqa: E402

IMPORTED = time.perf_counter()

NETWORKS = {
    "dense-64": lambda: [hg.Flatten(), hg.Dense(64), hg.BatchNorm(), hg.ReLU(), hg.Dense()],
    "dense-128": lambda: [hg.Flatten(), hg.Dense(128), hg.BatchNorm(), hg.ReLU(), hg.Dense()],
    "conv-8-16": lambda: [
        hg.Conv2d(8, 5),
        hg.MaxPool2d(2),
        hg.ReLU(),
        hg.Conv2d(16, 5),
        hg.MaxPool2d(2),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.Flatten(),
        hg.Dense(64),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.Dense(),
    ],
}


def main(recipe: dict[str, Any]) -> dict[str, float]:
    """Train and evaluate; return the accuracy and the seconds of each stage."""
    train, test = hg.load_data(recipe["data"], recipe["folder"])
    loaded = time.perf_counter()
    net = hg.Network(
        layers(recipe["network"]), train.shape, len(train.classes), seed=recipe["seed"]
    )
    history = hg.fit(
        net,
        train,
        validation=None,
        epochs=recipe["epochs"],
        batch_size=recipe["batch"],
        optimizer=hg.AdamW(recipe["lr"]),
        schedule=hg.schedules.OneCycle(warm_up=recipe["warm_up"]),
        loss=hg.SoftmaxCrossEntropy(label_smoothing=recipe["smoothing"]),
        patience=None,
        seed=recipe["seed"],
        engine=recipe["engine"],
    )
    trained = time.perf_counter()
    rules = TrainConfig(hg.SoftmaxCrossEntropy(), hg.AdamW())
    logits = engine_named(recipe["engine"], net, rules).logits
    accuracy = hg.evaluate(net, test, logits=logits).accuracy
    return {
        "import": IMPORTED - STARTED,
        "load": loaded - IMPORTED,
        "train": trained - loaded,
        "last epoch": history[-1].seconds,
        "evaluate": time.perf_counter() - trained,
        "accuracy": accuracy,
    }


def layers(network: str) -> list[Any]:
    """Return the layers of a network: one of `NETWORKS`, or a named model."""
    return NETWORKS[network]() if network in NETWORKS else hg.models.named(network)


if __name__ == "__main__":
    from benchmarks.cold.memory import peak_mebibytes

    figures = main(json.loads(sys.argv[1]))
    print(json.dumps({**figures, "peak MiB": peak_mebibytes()}))
