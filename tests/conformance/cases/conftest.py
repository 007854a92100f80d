import pytest

from conformance.cases import Result, opinfo_results
from conformance.cases.onnx_cases import all_cases, run, selected
from conformance.cases.onnx_operators import Case
from tests.extras import needs


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """Return all ONNX test cases for the supported operators, by name."""
    return {case.name: case for case in all_cases()}


@pytest.fixture(scope="session")
def onnx(cases: dict[str, Case]) -> list[Result]:
    """Return the results of the selected ONNX cases."""
    return [run(case) for case in cases.values() if selected(case)]


@pytest.fixture(scope="session")
def opinfo() -> list[Result]:
    """Return the results of PyTorch's OpInfo samples."""
    needs("torch")
    return opinfo_results()
