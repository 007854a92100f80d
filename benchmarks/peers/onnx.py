"""ONNX Runtime, which runs the network after PyTorch has exported it."""

from __future__ import annotations

import io
import logging
import os
import warnings

import onnxruntime
import torch

from benchmarks.peers.pytorch import as_module
from benchmarks.tasks import Array, Workload


class OnnxRuntime:
    """Predicts in a session that has the same number of threads as the other competitors."""

    def __init__(self, work: Workload) -> None:
        self.images = work.inputs
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        model = exported(work)
        self.session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

    def logits(self, inputs: Array) -> Array:
        """Return the logits (N, K) of preprocessed images (N, C, H, W)."""
        return self.session.run(None, {"X": inputs})[0]


def exported(work: Workload) -> bytes:
    """Return the network as an ONNX model with a variable batch size."""
    logging.getLogger("torch.onnx").setLevel(
        logging.ERROR
    )  # it reports that torchvision is missing
    example = (torch.zeros(2, *work.net.shape),)
    shapes = ({0: torch.export.Dim("N")},)
    with warnings.catch_warnings(action="ignore"):  # about its own deprecated functions
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
