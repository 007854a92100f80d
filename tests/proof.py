"""Both judges at once, for layers of drawn sizes: what a list of cases would forget."""

from hypothesis import strategies as st

from handgrad.gradient_check.autograd import at_hand
from handgrad.layers import Layer, Shape
from tests.cases import Case
from tests.gradients import check_layer
from tests.torch_twin import check_autograd

seeds = st.integers(0, 2**16)
batches = st.integers(1, 6)
flat = st.tuples(st.integers(1, 7))
images = st.tuples(st.integers(1, 3), st.integers(2, 8), st.integers(2, 8))
windows = st.tuples(st.integers(1, 4), st.integers(1, 4))
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))


def prove(layer: Layer, shape: Shape, batch: int, training: bool, seed: int) -> None:
    """Hold a layer's gradients against autograd and against central differences."""
    case = Case("drawn", (layer,), shape, batch)
    check_layer(case, training, seed)
    if at_hand():
        check_autograd(case, training, seed)
