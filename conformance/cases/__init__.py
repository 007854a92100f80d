"""Runs published test cases of ONNX and PyTorch with our layers, losses and optimizers.

    python -m conformance.cases --write docs/proof.md

ONNX publishes tests of its operators, and PyTorch publishes sample inputs of its operations. Each
case is either computed by our code and compared, or listed with the reason why it does not apply.
"""

from conformance.cases.onnx_cases import onnx_results
from conformance.cases.opinfo import opinfo_results
from conformance.cases.result import Result

__all__ = ["Result", "onnx_results", "opinfo_results"]
