"""ONNX Runtime: the network as PyTorch exports it."""

from __future__ import annotations

import io
import logging
import os
import warnings

import onnxruntime
import torch

from benchmarks.peers.pytorch import as_module
from benchmarks.tasks import Array, Work


class OnnxRuntime:
    """A session with as many threads as the others have."""

    def __init__(self, work: Work) -> None:
        self.images = work.inputs
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        model = exported(work)
        self.session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

    def logits(self, inputs: Array) -> Array:
        """Return the logits (N, K) of prepared images (N, C, H, W)."""
        return self.session.run(None, {"X": inputs})[0]


def exported(work: Work) -> bytes:
    """Return the network as an ONNX file's content, for batches of any size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, needlessly
    example = (torch.zeros(2, *work.net.shape),)
    shapes = ({0: torch.export.Dim("N")},)
    with warnings.catch_warnings(action="ignore"):  # of its own old ways
        program = torch.onnx.export(
            as_module(work.net).eval(),
            example,
            input_names=["X"],
            dynamic_shapes=shapes,
            verbose=False,
        )
    content = io.BytesIO()
    program.save(content)
    return content.getvalue()
