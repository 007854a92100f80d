"""Dropout for PyTorch that draws the same masks as handgrad's own dropout layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from handgrad.random import stream_key

# SplitMix64, as in `handgrad.random`.
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class KeyedDropout(nn.Dropout):
    """A PyTorch dropout layer that uses handgrad's masks after `set_step` has set a key.

    Before the first call of `set_step`, the layer behaves like PyTorch's own dropout.

    Args:
        p: the probability of zeroing an element.
        position: the position of the layer in the network, as in `Context.layer`.
    """

    key: Tensor | None

    def __init__(self, p: float, position: int) -> None:
        super().__init__(p)
        self.position = position
        self.register_buffer("key", None, persistent=False)

    def forward(self, X: Tensor) -> Tensor:
        """Map X of any shape to Y of the same shape."""
        if self.key is None or not self.training:
            return super().forward(X)
        return X * _mask(self.key, X.shape, self.p).to(X.dtype) * (1 / (1 - self.p))


class KeyedDropout2d(nn.Dropout2d):
    """A dropout layer for whole channels that uses handgrad's masks, like `KeyedDropout`.

    Args:
        p: the probability of zeroing an element.
        position: the position of the layer in the network, as in `Context.layer`.
    """

    key: Tensor | None

    def __init__(self, p: float, position: int) -> None:
        super().__init__(p)
        self.position = position
        self.register_buffer("key", None, persistent=False)

    def forward(self, X: Tensor) -> Tensor:
        """Map X (N, C, H, W) to Y of the same shape."""
        if self.key is None or not self.training:
            return super().forward(X)
        mask = _mask(self.key, X.shape[:2], self.p)[:, :, None, None]
        return X * mask.to(X.dtype) * (1 / (1 - self.p))


def set_step(module: nn.Module, seed: int, step: int) -> None:
    """Set the key of every dropout layer in a module, derived from the run's seed and the step."""
    for layer in module.modules():
        if isinstance(layer, KeyedDropout | KeyedDropout2d):
            key = _signed(stream_key(seed, "dropout", step, layer.position))
            if layer.key is None:
                device = next((p.device for p in module.parameters()), torch.device("cpu"))
                layer.key = torch.zeros((), dtype=torch.int64, device=device)
            layer.key.fill_(key)  # a tensor: a number would recompile each step


def uniforms(key: Tensor, count: int) -> Tensor:
    """Return the first `count` numbers of a random stream, like `handgrad.random.uniforms`.

    Args:
        key: the 64 bits of the stream's key, as int64.
        count: how many random numbers to return.

    Returns:
        Random numbers in [0, 1), with shape (count,) and dtype float32, on the key's device.
    """
    z = torch.arange(1, count + 1, device=key.device) * _signed(_GOLDEN) + key
    z = (z ^ _shifted(z, 30)) * _signed(_MIX_1)
    z = (z ^ _shifted(z, 27)) * _signed(_MIX_2)
    z = z ^ _shifted(z, 31)
    return _shifted(z, 40).to(torch.float32) * 2.0**-24


def _mask(key: Tensor, shape: Sequence[int], p: float) -> Tensor:
    """Return a mask that is True for each element to keep."""
    limit = torch.tensor(p, dtype=torch.float32, device=key.device)
    return (uniforms(key, torch.Size(shape).numel()) >= limit).reshape(shape)


def _shifted(z: Tensor, bits: int) -> Tensor:
    """Shift z to the right logically; the operator >> would extend the sign of an int64."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """Return the signed 64-bit integer that has the same bits as an unsigned integer."""
    return word - (1 << 64) if word >> 63 else word
