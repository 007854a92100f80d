"""If Numba is not installed, everything except the compiled engine works."""

import json
import subprocess
import sys
from pathlib import Path

SLOWER = "handgrad: Numba is not installed: using the reference engine instead, which is slower\n"
BLOCK = "import sys; sys.modules.update(numba=None, llvmlite=None)\n"


def without_numba(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCK + program]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_a_network_is_trained_through_the_library(tmp_path: Path) -> None:
    program = """if True:
        import handgrad as hg
        train, test = hg.load_data("digits")
        net = hg.Network(hg.models.smallnet(), train.shape, len(train.classes))
        history = hg.fit(net, train, epochs=1)
        print(len(history), hg.evaluate(net, test).accuracy)
    """
    ended = without_numba(program, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, SLOWER)
    epochs, accuracy = ended.stdout.split()
    assert epochs == "1"
    assert float(accuracy) > 0.5


def test_a_network_is_trained_through_the_command(tmp_path: Path) -> None:
    program = """if True:
        from handgrad.cli import main
        sys.argv = "handgrad train --epochs 1 --no-figures --out run".split()
        main()
    """
    ended = without_numba(program, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "run in run"
    assert len(json.loads((tmp_path / "run/history.json").read_text())["epochs"]) == 1


def test_the_compiled_engine_says_what_to_install(tmp_path: Path) -> None:
    program = """if True:
        import handgrad as hg
        import numpy as np
        from handgrad.engines import TrainConfig
        from handgrad.engines.compiled import CompiledEngine
        net = hg.Network([hg.Flatten(), hg.Dense()], (1, 4, 4), 3)
        try:
            engine = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.Adam()))
            engine.step(np.zeros((2, 1, 4, 4), np.float32), np.array([0, 1]), None, 0.1)
        except hg.MissingExtraError as error:
            print(error)
    """
    ended = without_numba(program, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        "the compiled engine needs Numba; install it with `pip install numba`, "
        "or use engine='reference'\n"
    )
