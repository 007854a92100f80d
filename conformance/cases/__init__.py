"""Cases written by others, run against our layers, losses and optimizers.

    python -m conformance.cases --write docs/proof.md

ONNX ships tests of its operators, PyTorch sample inputs of its own. Each case either runs through
our code and is compared, or is listed with the reason why it does not concern us.
"""

from conformance.cases.onnx_cases import onnx_results
from conformance.cases.opinfo import opinfo_results
from conformance.cases.result import Result

__all__ = ["Result", "onnx_results", "opinfo_results"]
