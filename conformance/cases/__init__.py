"""Published test cases of ONNX and PyTorch, run with our layers, losses and optimizers.

    python -m conformance.cases --write docs/proof.md

ONNX publishes tests of its operators, PyTorch sample inputs of its operations. Each case either
runs through our code and is compared, or is listed with the reason why it does not apply.
"""

from conformance.cases.onnx_cases import onnx_results
from conformance.cases.opinfo import opinfo_results
from conformance.cases.result import Result

__all__ = ["Result", "onnx_results", "opinfo_results"]
