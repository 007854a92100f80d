"""Runs both gradient checks for layers of random sizes."""

from hypothesis import strategies as st

from handgrad.gradient_check.autograd import is_available
from handgrad.layers import Layer, Shape
from tests.autograd_check import check_autograd
from tests.cases import Case
from tests.gradients import check_layer

seeds = st.integers(0, 2**16)
batches = st.integers(1, 6)
flat = st.tuples(st.integers(1, 7))
images = st.tuples(st.integers(1, 3), st.integers(2, 8), st.integers(2, 8))
windows = st.tuples(st.integers(1, 4), st.integers(1, 4))
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))


def prove(layer: Layer, shape: Shape, batch: int, training: bool, seed: int) -> None:
    """Compare a layer's gradients with autograd and with central differences."""
    case = Case("drawn", (layer,), shape, batch)
    check_layer(case, training, seed)
    if is_available():
        check_autograd(case, training, seed)
