"""The PyTorch engine, which trains the same network with PyTorch's modules and optimizers."""

from importlib.util import find_spec

from handgrad.errors import MissingExtraError

if find_spec("torch") is None:
    raise MissingExtraError(
        'PyTorch is not installed; install it with pip install "handgrad[torch]"'
    )

from handgrad.engines.torch.engine import TorchEngine
from handgrad.engines.torch.modules import from_torch, to_torch

__all__ = ["TorchEngine", "from_torch", "to_torch"]
