"""A complete program that trains one configuration with handgrad."""

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


def main(config: dict[str, Any]) -> dict[str, float]:
    """Train and evaluate; return the accuracy and the time of each stage in seconds."""
    train, test = hg.load_data(config["data"], config["folder"])
    loaded = time.perf_counter()
    net = hg.Network(
        layers(config["network"]), train.shape, len(train.classes), seed=config["seed"]
    )
    history = hg.fit(
        net,
        train,
        validation=None,
        epochs=config["epochs"],
        batch_size=config["batch"],
        optimizer=hg.AdamW(config["lr"]),
        schedule=hg.schedules.OneCycle(warm_up=config["warm_up"]),
        loss=hg.SoftmaxCrossEntropy(label_smoothing=config["smoothing"]),
        patience=None,
        seed=config["seed"],
        engine=config["engine"],
    )
    trained = time.perf_counter()
    train_config = TrainConfig(hg.SoftmaxCrossEntropy(), hg.AdamW())
    logits = engine_named(config["engine"], net, train_config).logits
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
    """Return the layers of a network in `NETWORKS` or of a built-in network."""
    return NETWORKS[network]() if network in NETWORKS else hg.models.named(network)


if __name__ == "__main__":
    from benchmarks.cold.memory import peak_mebibytes

    figures = main(json.loads(sys.argv[1]))
    print(json.dumps({**figures, "peak MiB": peak_mebibytes()}))
