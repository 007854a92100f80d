"""The engine: the one loop's steps, made by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from handgrad.engines.divergence import all_finite, diverged, overflowed
from handgrad.engines.protocol import BatchStream, StepResults, Trace
from handgrad.engines.torch.data_feed import Batch, Feed, as_numbers, image_tensor
from handgrad.engines.torch.dropout import Dropout, Dropout2d, set_step
from handgrad.engines.torch.modules import from_torch, tensors, to_torch
from handgrad.engines.torch.optim import (
    as_torch_loss,
    as_torch_optimizer,
    get_optimizer_state,
    set_optimizer_state,
)
from handgrad.errors import ConfigError, DataError
from handgrad.layers import Array, Context
from handgrad.network import Network, finite, layer_name
from handgrad.posix import at_fork
from handgrad.train_config import TrainConfig

DEVICES = ("auto", "cpu", "cuda")
_LOOK = 100  # how many steps are made before their numbers are looked at
_INFER = 1000  # how many images inference takes at a time

# a child would wait for OpenMP's threads, which it has not
at_fork(after_in_child=partial(torch.set_num_threads, 1))


class TorchEngine:
    """Trains a network with PyTorch's modules, optimizers and autograd.

    The network's arrays are the truth between calls. During a run they live in the module, and
    are copied back at its end. Clipping is PyTorch's, which divides by the norm plus 1e-6.

    Args:
        net: the network; its arrays are changed in place.
        config: how to train.
        device: "cpu"; "cuda", a GPU; "auto", a GPU where there is one.
        amp: mixed precision: products in bfloat16, faster on a GPU and less exact.
        compile: let `torch.compile` make one program of the forward and backward pass.

    Attributes:
        device: where it computes.
        module: the network as a PyTorch module.

    Raises:
        ModelError: if a layer has no counterpart in PyTorch.
        ConfigError: if the optimizer or the loss has none, or the device is not there.
    """

    def __init__(
        self,
        net: Network,
        config: TrainConfig,
        device: str = "auto",
        *,
        amp: bool = False,
        compile: bool = False,  # noqa: A002
    ) -> None:
        if amp and net.dtype != np.float32:
            raise ConfigError(f"amp is for networks of float32, not {net.dtype}; leave amp out")
        self.net, self.config, self.steps, self.amp = net, config, 0, amp
        self.device = device_named(device)
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in config.optimizer.state_names}
            for name, array in net.parameters.items()
        }
        self.module = to_torch(net).to(self.device)
        self._parameters = dict(self.module.named_parameters())
        self._forward: Callable[[Tensor], Tensor] = (
            _compiled(self.module) if compile else self.module
        )
        self._loss = as_torch_loss(config.loss)
        self._optimizer = as_torch_optimizer(config.optimizer, self._parameters.values())

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # found and named below
    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out."""
        feed = self._feed(batches)
        losses: list[Tensor] = []
        right: list[Tensor] = []
        with _exactly(self.device):
            self._take()
            for batch, lr in zip(feed, batches.lrs, strict=True):
                loss, hits = self._gradients(batch, self.steps + len(losses))
                self._update(lr)
                losses.append(loss)
                right.append(hits)
                if len(losses) % _LOOK == 0 and not self._is_sound(losses[-_LOOK:]):
                    break
            if not self._is_sound(losses):
                return self._look_closely(batches, feed)
        self.steps += len(losses)
        self._give()
        return _steps(losses, right)

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and how many were right, both before it."""
        came = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(came.losses[0]), int(came.correct[0])

    @torch.no_grad()
    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        X = finite(self.net.as_images(X), self.net.dtype)
        self._take()
        self.module.eval()
        logits = np.empty((len(X), len(self.net.classes)), self.net.dtype)
        with _exactly(self.device):
            for at in range(0, len(X), _INFER):
                part = image_tensor(X[at : at + _INFER], self.net).to(self.device)
                Z = self.module(as_numbers(part, self.net))
                logits[at : at + _INFER] = Z.cpu().numpy()
        return logits

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return what the next step would compute on the way; it is not made."""
        whole = BatchStream(X, y, weights, np.arange(len(X)), len(X), [0.0])
        outputs: list[Tensor] = []

        def forward(A: Tensor) -> Tensor:
            for module in self.module:
                A = module(A)
                if A.requires_grad:
                    A.retain_grad()
                outputs.append(A)
            return A

        with _exactly(self.device):
            self._take()
            for batch in self._feed(whole):
                self._gradients(batch, self.steps, forward)
        names = [layer_name(self.net.layers, index) for index in range(len(outputs))]
        return Trace(
            activations=_arrays(dict(zip(names, outputs, strict=True))),
            flows=_arrays(
                {
                    name: A.grad
                    for name, A in zip([*names[1:], "loss"], outputs, strict=True)
                    if A.requires_grad and A.grad is not None
                }
            ),
            gradients=_arrays(self._found()),
        )

    def _feed(self, batches: BatchStream) -> Feed:
        return Feed(batches, self.net, self.config.loss, self.device)

    def _gradients(
        self, batch: Batch, step: int, forward: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute all gradients of a batch, and return its loss and how many were right."""
        X, y, weights = batch
        set_step(self.module, self.config.seed, step)
        self.module.train()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp):
            Z = _of_images(forward or self._forward, X)
        loss = self._loss(Z.to(X.dtype), y, weights)
        torch.autograd.backward(loss)
        return loss.detach(), (Z.argmax(dim=1) == y).sum()

    def _update(self, lr: float) -> None:
        """Give each parameter its gradient, by the optimizer's rule."""
        if self.config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters.values(), self.config.clip_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()

    def _found(self) -> dict[str, Tensor]:
        """Return the gradient of each parameter."""
        return {name: W.grad for name, W in self._parameters.items() if W.grad is not None}

    def _take(self) -> None:
        """Copy the network's arrays and the optimizer's state to the device."""
        self.module.load_state_dict(tensors(self.net.arrays))
        set_optimizer_state(self._optimizer, self._parameters, self.optimizer_state, self.steps)

    def _give(self) -> None:
        """Copy them back."""
        from_torch(self.module, self.net)
        get_optimizer_state(self._optimizer, self._parameters, self.optimizer_state)

    def _is_sound(self, losses: list[Tensor]) -> bool:
        """Say whether some losses, and all arrays after them, are finite."""
        numbers = [*losses, *(A.abs().max() for A in self.module.state_dict().values())]
        return bool(torch.stack(numbers).isfinite().all())

    def _look_closely(self, batches: BatchStream, feed: Feed) -> StepResults:
        """Make a run again and look at every number, to say in which step and layer it broke."""
        losses: list[Tensor] = []
        right: list[Tensor] = []
        self._take()
        for batch, (X, y, weights, lr) in zip(feed, batches.in_turn(), strict=True):
            ctx = Context(True, self.config.seed, self.steps)
            loss, hits = self._gradients(batch, self.steps)
            if not (loss.isfinite() and all_finite(_arrays(self._found()))):
                raise diverged(self.net, self.config, ctx, X, y, weights)
            self._update(lr)
            self.steps += 1
            self._give()
            if not all_finite(self.net.arrays):
                raise overflowed(self.net, ctx.step)
            losses.append(loss)
            right.append(hits)
        return _steps(losses, right)


def device_named(name: str) -> torch.device:
    """Return the device of a name; "auto" is a GPU where there is one.

    Raises:
        ConfigError: if there is no such device.
    """
    if name not in DEVICES:
        raise ConfigError(f"there is no device {name!r}; choose one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("PyTorch sees no GPU here; take the device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _compiled(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a module compiled, but for dropout: PyTorch 2.13 writes beyond the mask's end."""
    for layer in module.modules():
        if isinstance(layer, Dropout | Dropout2d):
            outside = torch.compiler.disable(layer.forward)  # type: ignore[no-untyped-call]
            setattr(layer, "forward", outside)  # noqa: B010 (a method to the type checker)
    compiled: Callable[[Tensor], Tensor] = torch.compile(module, dynamic=False)
    return compiled


def _of_images(forward: Callable[[Tensor], Tensor], X: Tensor) -> Tensor:
    """Return the logits, or say what PyTorch's batch norm cannot do."""
    try:
        return forward(X)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise DataError(
            "PyTorch's batch norm cannot learn from a batch of one image; "
            "choose a batch size that leaves more for the last batch"
        ) from None


def _exactly(device: torch.device) -> AbstractContextManager[Any]:
    """Have a GPU compute with all bits of float32, and the same twice in a row."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def _arrays(found: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: A.detach().cpu().numpy() for name, A in found.items()}


def _steps(losses: list[Tensor], right: list[Tensor]) -> StepResults:
    """Return the numbers of a run, brought from the device at once."""
    if not losses:
        return StepResults(np.zeros(0), np.zeros(0, np.int64))
    return StepResults(torch.stack(losses).double().cpu().numpy(), torch.stack(right).cpu().numpy())
