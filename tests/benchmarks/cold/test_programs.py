import gzip
import json
import sys

import numpy as np
import pytest

import handgrad as hg
from benchmarks.cold import compile as compiling
from benchmarks.cold import ours
from benchmarks.cold.memory import peak_mebibytes
from benchmarks.cold.run import PROGRAMS, timed
from benchmarks.configs import SHORT, TARGETS
from benchmarks.worker import Skipped
from handgrad.engines import ReferenceEngine, TrainConfig
from handgrad.models import named
from handgrad.network import Network
from handgrad.schedules import Progress
from tests.extras import needs

CONFIG = {"epochs": 2, "batch": 32, "lr": 1e-2, "warm_up": 0.3, "smoothing": 0.1, "seed": 1}


def test_handgrads_program_trains_and_times_each_stage():
    config = {"data": "digits", "folder": None, "network": "two-layer", "engine": "reference"}
    figures = ours.main({**config, **CONFIG})
    assert figures["accuracy"] > 0.85
    assert 0 < figures["last epoch"] < figures["train"]


def test_pytorch_has_the_same_networks():
    needs("torch")
    from benchmarks.cold import pytorch

    configs = [*SHORT.values(), *(target["pytorch"] for target in TARGETS.values())]
    for name in {config["network"] for config in configs} | set(ours.NETWORKS):
        parameters = sum(p.numel() for p in pytorch.NETWORKS[name]().parameters())
        assert parameters == Network(ours.layers(name), (1, 28, 28), 10).summary().parameters


def test_pytorch_has_the_same_schedule_and_optimizer():
    needs("torch")
    from benchmarks.cold import pytorch

    torch = pytorch.torch
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 1, 28, 28), np.float32), rng.integers(0, 10, 40)
    net = Network(named("softmax-regression"), (1, 28, 28), 10)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    model.load_state_dict({name: torch.tensor(array) for name, array in net.parameters.items()})

    optimizer = pytorch.AdamW(model, CONFIG, steps=10)
    engine = ReferenceEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.AdamW(CONFIG["lr"])))
    for step in range(10):
        lr = CONFIG["lr"] * hg.schedules.OneCycle(CONFIG["warm_up"]).factor(Progress(step, 10, 1))
        assert optimizer.lr() == pytest.approx(lr)
        pytorch.cross_entropy(model(torch.tensor(X)), torch.tensor(y)).backward()
        optimizer.step()
        engine.step(X, y, None, lr)
    weight = model[1].weight.detach().numpy()
    assert weight == pytest.approx(net.parameters["1.weight"], rel=1e-4, abs=1e-6)


def test_pytorch_reads_the_same_images_as_uint8_and_float32(idx_folder):
    needs("torch")
    from benchmarks.cold import pytorch

    numbers, labels = pytorch.read(idx_folder, "train", as_bytes=False)
    stored, same = pytorch.read(idx_folder, "train", as_bytes=True)
    assert numbers.shape == stored.shape == (3, 1, 28, 28)
    assert (pytorch.scaled(stored) == numbers).all()
    assert numbers.max() == 1
    assert labels.tolist() == same.tolist() == [3, 1, 2]


@pytest.fixture
def idx_folder(tmp_path):
    """Write three images to files with the names of MNIST's files."""
    images = np.arange(3 * 784).reshape(3, 784).astype(np.uint8)
    for name, content in (
        ("train-images-idx3-ubyte.gz", bytes(16) + images.tobytes()),
        ("train-labels-idx1-ubyte.gz", bytes(8) + bytes([3, 1, 2])),
    ):
        (tmp_path / name).write_bytes(gzip.compress(content))
    return tmp_path


def test_the_first_step_takes_longer_because_it_compiles():
    pytest.importorskip("numba")
    figures = compiling.main({"network": "softmax-regression", "batch": 16, "lr": 0.1})
    assert 0 < figures["compile"] < 60


def test_every_program_has_a_configuration_for_every_target():
    for target in TARGETS.values():
        assert {program.framework for program in PROGRAMS.values()} <= set(target)


def test_a_program_runs_without_settings_that_slow_it_down(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    _, output = timed([sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"])
    assert output.strip() == "False"


def test_a_program_gets_its_own_caches(tmp_path):
    code = "import json, os; print(json.dumps(os.environ['HANDGRAD_CACHE']))"
    wall, output = timed([sys.executable, "-c", code], tmp_path)
    assert json.loads(output) == str(tmp_path)
    assert 0 < wall < 30


def test_a_failed_program_gives_the_reason():
    with pytest.raises(Skipped, match=r"^no data$"):
        timed([sys.executable, "-c", "import sys; sys.exit('no data')"])


def test_the_peak_includes_freed_memory():
    size = 256
    b"x" * (size << 20)
    assert size < peak_mebibytes() < 64 * size
