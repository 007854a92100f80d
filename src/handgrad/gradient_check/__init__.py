"""The gradient check: every gradient is compared with several oracles.

An oracle is an independent method that computes the expected gradient, such as central differences
or PyTorch's autograd.
"""

from handgrad.gradient_check.api import gradcheck
from handgrad.gradient_check.result import GradcheckResult, Report, Verdict

__all__ = ["GradcheckResult", "Report", "Verdict", "gradcheck"]
