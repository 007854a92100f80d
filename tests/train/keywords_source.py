"""Writes src/handgrad/train/keywords.py from the fields of `TrainConfig`.

After a change of `TrainConfig`, run `python -m tests.train.keywords_source`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import handgrad
from handgrad.train_config import TrainConfig

FILE = Path(handgrad.__file__).parent / "train" / "keywords.py"

HEADER = '''\
"""TrainKeywords: the TypedDict of the keywords of `fit` and `epochs`, generated from TrainConfig.

Generated from `TrainConfig` by ``python -m tests.train.keywords_source``; do not edit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from handgrad.class_names import Label
from handgrad.data.augment import Augmentation
from handgrad.losses import Loss
from handgrad.optim import Optimizer
from handgrad.schedules import Schedule


class TrainKeywords(TypedDict, total=False):
    """The fields of `TrainConfig`, each of which may be left out."""

'''


def source() -> str:
    """Return the text of the module."""
    lines = [
        f"    {field.name}: {str(field.type).replace(chr(39), chr(34))}\n"
        for field in dataclasses.fields(TrainConfig)
    ]
    return HEADER + "".join(lines)


if __name__ == "__main__":
    FILE.write_text(source(), encoding="utf-8")
