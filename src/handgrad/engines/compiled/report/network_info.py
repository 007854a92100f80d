"""What the outline of a plan needs to know of the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from handgrad.engines.compiled.lower.parameter_layout import Room
from handgrad.network import Network


class Subject(NamedTuple):
    """What a plan does not say.

    Attributes:
        work: the products with each layer's weights for one image, forward.
        rooms: how many numbers there are in each learned array, by where it begins in its row.
        image: the bytes of one image.
    """

    work: Mapping[str, int]
    rooms: Mapping[int, int]
    image: int

    @classmethod
    def of(cls, net: Network, rooms: Mapping[str, Room]) -> Subject:
        """Return what is to be known of a network whose arrays lie in these rooms."""
        steps = list(net.walk(np.zeros((1, *net.shape), net.dtype), inner=True))
        return cls(
            {f"{s.path} {type(s.layer).__name__}": s.multiply_adds for s in steps},
            {room.offset: room.size for room in rooms.values()},
            math.prod(net.shape),
        )
