"""The torch engine, which runs handgrad's training steps with PyTorch."""

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
from handgrad.engines.torch.dropout import KeyedDropout, KeyedDropout2d, set_step
from handgrad.engines.torch.modules import from_torch, tensors, to_torch
from handgrad.engines.torch.optim import (
    as_torch_loss,
    as_torch_optimizer,
    get_optimizer_state,
    set_optimizer_state,
)
from handgrad.errors import ConfigError, DataError
from handgrad.freeze import frozen_layers, trainable_parameters
from handgrad.layers import Array, Context
from handgrad.network import Network, finite, layer_name
from handgrad.posix import at_fork
from handgrad.train_config import TrainConfig

DEVICES = ("auto", "cpu", "cuda")
_CHECK_EVERY = 100  # steps between two checks for numbers that are not finite
_INFERENCE_BATCH = 1000

# a forked child has no OpenMP threads to wait for
at_fork(after_in_child=partial(torch.set_num_threads, 1))


class TorchEngine:
    """An engine that trains a network with PyTorch's modules, optimizers and autograd.

    Between calls, the network's arrays contain the current values. During a run, the PyTorch module
    holds the current values. They are copied back to the network at the end of the run. Gradients
    are clipped by PyTorch's function, which divides by the sum of the gradient norm and 1e-6.

    Args:
        net: the network; its arrays are modified in place.
        config: the settings of a training step.
        device: "cpu", "cuda" for a GPU, or "auto" for a GPU if one is available.
        amp: whether to use mixed precision. Matrix products in bfloat16 are faster on a GPU than in
            float32, but less accurate.
        compile: whether to compile the forward and backward pass with `torch.compile`.

    Attributes:
        device: the device on which the engine computes.
        module: the network as a PyTorch module.

    Raises:
        ModelError: if a layer has no PyTorch counterpart.
        ConfigError: if the optimizer or the loss has no PyTorch counterpart, or the device is not
            available.
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
            raise ConfigError(f"amp requires a float32 network, not {net.dtype}; leave amp out")
        self.net, self.config, self.steps, self.amp = net, config, 0, amp
        self.device = device_named(device)
        self._frozen = frozen_layers(net, config.freeze)
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in config.optimizer.state_names}
            for name, array in trainable_parameters(net, self._frozen).items()
        }
        self.module = to_torch(net).to(self.device)
        self.module[: self._frozen].requires_grad_(False)
        self._parameters = {n: W for n, W in self.module.named_parameters() if W.requires_grad}
        self._forward: Callable[[Tensor], Tensor] = (
            _compiled(self.module) if compile else self.module
        )
        self._loss = as_torch_loss(config.loss)
        self._optimizer = as_torch_optimizer(config.optimizer, self._parameters.values())

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # detected and reported below
    def run(self, batches: BatchStream) -> StepResults:
        """Update once per batch, and return each batch's loss and number of correct predictions."""
        feed = self._feed(batches)
        losses: list[Tensor] = []
        right: list[Tensor] = []
        with _exact(self.device):
            self._copy_in()
            for batch, lr in zip(feed, batches.lrs, strict=True):
                loss, hits = self._gradients(batch, self.steps + len(losses))
                self._update(lr)
                losses.append(loss)
                right.append(hits)
                if len(losses) % _CHECK_EVERY == 0 and not self._is_finite(losses[-_CHECK_EVERY:]):
                    break
            if not self._is_finite(losses):
                return self._locate_divergence(batches, feed)
        self.steps += len(losses)
        self._copy_out()
        return _steps(losses, right)

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Update once, and return the batch's loss and number of correct predictions before it."""
        results = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(results.losses[0]), int(results.correct[0])

    @torch.no_grad()
    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        X = finite(self.net.as_images(X), self.net.dtype)
        self._copy_in()
        self.module.eval()
        logits = np.empty((len(X), self.net.classes), self.net.dtype)
        with _exact(self.device):
            for at in range(0, len(X), _INFERENCE_BATCH):
                part = image_tensor(X[at : at + _INFERENCE_BATCH], self.net).to(self.device)
                Z = self.module(as_numbers(part, self.net))
                logits[at : at + _INFERENCE_BATCH] = Z.cpu().numpy()
        return logits

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return the intermediate results of the next training step without making an update."""
        whole = BatchStream(X, y, weights, np.arange(len(X)), len(X), [0.0])
        outputs: list[Tensor] = []

        def forward(A: Tensor) -> Tensor:
            for module in self.module:
                A = module(A)
                if A.requires_grad:
                    A.retain_grad()
                outputs.append(A)
            return A

        with _exact(self.device):
            self._copy_in()
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
        """Compute all gradients, and return the batch's loss and number of correct predictions."""
        X, y, weights = batch
        set_step(self.module, self.config.seed, step)
        self.module.train()
        self.module[: self._frozen].eval()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp):
            Z = _logits(forward or self._forward, X)
        loss = self._loss(Z.to(X.dtype), y, weights)
        torch.autograd.backward(loss)
        return loss.detach(), (Z.argmax(dim=1) == y).sum()

    def _update(self, lr: float) -> None:
        """Update each parameter from its gradient."""
        if self.config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters.values(), self.config.clip_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()

    def _found(self) -> dict[str, Tensor]:
        """Return the gradient of each parameter, keyed by name."""
        return {name: W.grad for name, W in self._parameters.items() if W.grad is not None}

    def _copy_in(self) -> None:
        """Copy the network's arrays and the optimizer's state to the device."""
        self.module.load_state_dict(tensors(self.net.arrays))
        set_optimizer_state(self._optimizer, self._parameters, self.optimizer_state, self.steps)

    def _copy_out(self) -> None:
        """Copy the module's arrays and the optimizer's state back from the device."""
        from_torch(self.module, self.net)
        get_optimizer_state(self._optimizer, self._parameters, self.optimizer_state)

    def _is_finite(self, losses: list[Tensor]) -> bool:
        """Return whether the losses and the current values of all arrays are finite."""
        numbers = [*losses, *(A.abs().max() for A in self.module.state_dict().values())]
        return bool(torch.stack(numbers).isfinite().all())

    def _locate_divergence(self, batches: BatchStream, feed: Feed) -> StepResults:
        """Repeat a run, and check every value, to find the step and the layer of the divergence."""
        losses: list[Tensor] = []
        right: list[Tensor] = []
        self._copy_in()
        for batch, (X, y, weights, lr) in zip(feed, batches.in_turn(), strict=True):
            ctx = Context(True, self.config.seed, self.steps)
            loss, hits = self._gradients(batch, self.steps)
            if not (loss.isfinite() and all_finite(_arrays(self._found()))):
                raise diverged(self.net, self.config, ctx, X, y, weights)
            self._update(lr)
            self.steps += 1
            self._copy_out()
            if not all_finite(self.net.arrays):
                raise overflowed(self.net, ctx.step)
            losses.append(loss)
            right.append(hits)
        return _steps(losses, right)


def device_named(name: str) -> torch.device:
    """Return the device with a name. The name "auto" selects a GPU if one is available.

    Raises:
        ConfigError: if the device is unknown or not available.
    """
    if name not in DEVICES:
        raise ConfigError(f"there is no device {name!r}; choose one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("PyTorch finds no GPU; use the device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _compiled(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """Compile a module except its dropout, whose mask PyTorch 2.13 would write out of bounds."""
    for layer in module.modules():
        if isinstance(layer, KeyedDropout | KeyedDropout2d):
            outside = torch.compiler.disable(layer.forward)  # type: ignore[no-untyped-call]
            setattr(layer, "forward", outside)  # noqa: B010 (a method to the type checker)
    compiled: Callable[[Tensor], Tensor] = torch.compile(module, dynamic=False)
    return compiled


def _logits(forward: Callable[[Tensor], Tensor], X: Tensor) -> Tensor:
    """Return the logits, or raise a DataError for a batch that PyTorch's batch norm rejects."""
    try:
        return forward(X)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise DataError(
            "PyTorch's batch norm cannot train on a batch of one image; "
            "choose a batch size for which the last batch has at least two images"
        ) from None


def _exact(device: torch.device) -> AbstractContextManager[Any]:
    """Configure a GPU for reproducible results and full float32 precision."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def _arrays(found: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: A.detach().cpu().numpy() for name, A in found.items()}


def _steps(losses: list[Tensor], right: list[Tensor]) -> StepResults:
    """Return the results of a run, copied from the device in one transfer."""
    if not losses:
        return StepResults(np.zeros(0), np.zeros(0, np.int64))
    return StepResults(torch.stack(losses).double().cpu().numpy(), torch.stack(right).cpu().numpy())
