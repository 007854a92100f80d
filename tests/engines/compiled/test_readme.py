"""The README of the compiled engine matches the code."""

from __future__ import annotations

import re
from pathlib import Path

import handgrad as hg
from handgrad.engines.compiled import engine

FOLDER = Path(engine.__file__).parent
TEXT = (FOLDER / "README.md").read_text("utf-8")


def test_the_walk_shows_the_phases_of_the_real_plan() -> None:
    walk = TEXT.partition("## A walk through")[2].partition("\n1. ")[0]
    lines = [line for line in walk.splitlines() if re.match(r"    \s*\S.*", line)]
    shown: list[list[str]] = []
    for line in lines:
        if re.match(r"    \d+  ", line):
            shown.append([])
        elif shown:
            shown[-1].append(line.split()[-1])
    net = hg.Network([hg.Flatten(), hg.Dense(20), hg.ReLU(), hg.Dense()], (1, 8, 8), 10)
    report = hg.plan(net, 64, skip_zeros=False, optimizer=hg.SGD())
    assert shown == [[kernel.kernel for kernel in phase.kernels] for phase in report.phases]


def test_every_file_and_package_that_is_named_exists() -> None:
    names = re.findall(r"`((?:lower|kernels|jit|runtime|report)/[\w./]*|\w+\.py)`", TEXT)
    assert len(names) > 10
    folders = [
        FOLDER,
        *(FOLDER / name for name in ("lower", "kernels", "jit", "runtime", "report")),
    ]
    for name in names:
        assert any((folder / name).exists() for folder in folders), name
