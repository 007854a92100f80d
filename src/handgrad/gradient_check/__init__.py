"""The gradient check: every gradient is compared with independent oracles."""

from handgrad.gradient_check.api import gradcheck
from handgrad.gradient_check.result import GradcheckResult, Report, Verdict

__all__ = ["GradcheckResult", "Report", "Verdict", "gradcheck"]
