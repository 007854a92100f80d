"""A program that measures by how much compilation slows down the first step."""

import json
import sys
import time
from typing import Any

import numpy as np

import handgrad as hg
from handgrad.engines import BatchStream, TrainConfig, engine_named


def main(config: dict[str, Any]) -> dict[str, float]:
    """Run two training steps, and return how many seconds longer the first one took."""
    batch, optimizer = config["batch"], hg.AdamW(config["lr"])
    net = hg.Network(hg.models.named(config["network"]), (1, 28, 28), 10)
    engine = engine_named("compiled", net, TrainConfig(hg.SoftmaxCrossEntropy(), optimizer))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, 1, 28, 28), np.uint8)
    labels, order = rng.integers(0, 10, batch), np.arange(batch)
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        engine.run(BatchStream(images, labels, None, order, batch, [optimizer.lr]))
        seconds.append(time.perf_counter() - started)
    return {"compile": seconds[0] - seconds[1]}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
