"""Each kernel's own test fails if a fault is planted in that kernel.

Every fault is planted in a copy of the package, and only the test of its kernel runs there.
"""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import pytest

import handgrad
from handgrad.engines.compiled import kernels
from handgrad.engines.compiled.jit.signatures import kernel_names

pytestmark = pytest.mark.slow

PACKAGE = Path(inspect.getfile(handgrad)).parent
KERNELS = Path(inspect.getfile(kernels)).parent.relative_to(PACKAGE)
ROOT = Path(__file__).parents[4]
TESTS = Path(__file__).parent.relative_to(ROOT)
BARRIERS = f"{TESTS.parent}/lower/test_barriers.py::test_the"
SCHEDULES = f"{BARRIERS}_result_is_the_same_for_every_schedule_of_the_workers"
RECORDED = f"{BARRIERS}_barriers_of_the_built_in_networks_match_the_recorded_ones"


class Fault(NamedTuple):
    """A change that makes a function wrong."""

    function: str
    """A kernel or a helper, such as "pool.max_forward"."""
    right: str
    """A piece of its source, which occurs there once."""
    wrong: str
    """What replaces it."""
    tests: tuple[str, ...] = ()
    """The tests that must fail; if none are given, that of the kernel."""

    @property
    def node_ids(self) -> tuple[str, ...]:
        """Return the pytest node ids of these tests."""
        family, _, name = self.function.partition(".")
        names = self.tests or (f"{family}.{name}",)
        return tuple(
            name if "::" in name else f"{TESTS}/test_{name.replace('.', '.py::test_')}"
            for name in names
        )

    def plant(self, package: Path) -> None:
        """Change the source in a copy of the package."""
        family, _, name = self.function.partition(".")
        path = package / KERNELS / f"{family}.py"
        before, source, after = split(path.read_text("utf-8"), name)
        assert source.count(self.right) == 1, f"not once in {self.function}: {self.right}"
        path.write_text(before + source.replace(self.right, self.wrong) + after, "utf-8")


def split(source: str, name: str) -> tuple[str, str, str]:
    """Split a module's source into the parts before, inside and after a decorated function."""
    function = source.index(f"\ndef {name}(")
    begin, end = source.rindex("\n\n\n", 0, function), source.find("\n\n\n", function)
    end = end if end > 0 else len(source)
    return source[:begin], source[begin:end], source[end:]


FAULTS = [
    # activation
    Fault(
        "activation.relu",
        "_ZERO if X[i] < _ZERO else X[i]",
        "X[i] if X[i] > _ZERO else _ZERO",
        ("activation.nan_and_extreme_numbers_are_kept",),
    ),
    Fault("activation.relu_backward", "Y[i] > _ZERO", "Y[i] >= _ZERO"),
    Fault("activation.leaky_relu", "range(count)", "range(count // 16 * 16)"),
    Fault("activation.tanh_backward", "Y[i] * Y[i]", "Y[i]"),
    Fault("activation.silu_backward", "X[i] * (_ONE - S)", "(_ONE - S)"),
    # augment
    Fault("augment.warp_uint8", "np.int32(layer[k + stride]) <<", "np.int32(layer[k]) <<"),
    Fault("augment.find_side", "max(near, -PIXEL)", "max(near, 0)", ("augment.warp_float32",)),
    Fault(
        "augment_pixels.thicken_uint8",
        "max(above, below, left, right, padded[k])",
        "max(above, below, left, padded[k])",
        ("augment.warp_uint8",),
    ),
    Fault(
        "augment_pixels.erase",
        "np.int64(params[BOTTOM])",
        "np.int64(params[BOTTOM]) - 1",
        ("augment.warp_float32",),
    ),
    # batch_size_one
    Fault("batch_size_one.forward_csr", "b[tile * T + o]", "b[o]"),
    Fault("batch_size_one.update_csr", "if has_shift:", "if not has_shift:"),
    Fault("batch_size_one.backward_input", "LANES, np.float32(0)", "1, np.float32(0)"),
    Fault("batch_size_one.gradient", "squares(dW, tiles * inputs * T)", "squares(dW, inputs * T)"),
    # chain
    Fault("chain.add", "A[i] + B[i]", "A[i] - B[i]"),
    Fault("chain.copy", "range(count)", "range(count - 1)"),
    # conv
    Fault("conv.pack_forward", "o * channels + k", "k * outputs + o"),
    Fault("conv.forward", "range(0, columns, COLUMNS)", "range(0, columns - 1, COLUMNS)"),
    Fault("conv.backward_input", "last + left", "w + left"),
    Fault("conv.gradient", "(row_stride, column_stride)", "(column_stride, column_stride)"),
    Fault("conv.bias_gradient", "count), count)", "count), count - LANES)"),
    Fault("conv.pad", "range(LANES)", "range(LANES - 1)"),
    # dense
    Fault("dense.forward", "at(b, first + r)", "at(b, first)"),
    Fault("dense.add_pixel_shares", "Y_by_share[lane] + second[lane]", "Y_by_share[lane]"),
    Fault("dense.gradient", "step_state[COUNT] if step_state[CHUNKS] == 1 else LANES", "LANES"),
    Fault(
        "dense.sgd",
        "(last - first) * T, nonfinite",
        "(last - first) * T - 1, nonfinite",
        ("dense.sgd_flags_weights_that_are_not_finite",),
    ),
    Fault("dense.bias_gradient", "sums[o] += row[o]", "sums[o] = row[o]"),
    # dropout
    Fault("dropout.mask", "scale if kept", "np.float32(1) if kept"),
    Fault("dropout.mask", "* features + f + 1)", "* features + f)"),
    Fault("dropout.apply", "at(M, f * LANES)", "M"),
    # images
    Fault("images.gather", "fill(row, count, np.float32(0))", "continue", ("images.gather_uint8",)),
    Fault(
        "images.gather_float32", "        shift,\n        scale,", "        scale,\n        shift,"
    ),
    Fault(
        "images.to_csr",
        "(last - first) // LANES",
        "(last - first - 1) // LANES",
        ("images.to_csr_float32",),
    ),
    Fault("images.image_of", "step_state[START] + place", "place", ("images.gather_uint8",)),
    # loss
    Fault("loss.softmax_cross_entropy", "(other == z and k >= y)", "other == z"),
    Fault("loss.softmax_cross_entropy", "share[lane] * (p - q)", "(p - q)"),
    Fault("loss.softmax_cross_entropy", "hits += hit", "hits = hit"),
    # norm
    Fault("norm.statistics", "x[p * LANES + lane] = _ZERO", "pass"),
    Fault("norm.combine", "math.sqrt(var[f] + eps)", "math.sqrt(var[f]) + eps"),
    Fault("norm.infer", "math.sqrt(var[f] + eps)", "(var[f] + eps)"),
    Fault("norm.mean_gradient", "chunk * stride), at", "chunk * features), at"),
    Fault("norm.backward", "- hat[i] * slope", "+ hat[i] * slope"),
    Fault("norm.update_buffers", "(var[f] * unbiased)", "var[f]"),
    Fault(
        "norm.update_buffers",
        "flag_nonfinite(running_var, features, nonfinite)",
        "return",
        ("norm.running_statistics_that_are_not_finite_are_flagged",),
    ),
    Fault("norm.normalize_backward", "scale[f]", "scale[0]"),
    # optim
    Fault("optim.add_chunks", "dW[i] += own[i]", "dW[i] = own[i]"),
    Fault("optim.sgd_by_chunks", "range(step_state[CHUNKS])", "range(1, step_state[CHUNKS])"),
    Fault("optim.sgd", "clip * dW[i]", "dW[i]"),
    Fault("optim.nesterov", "g + mu * V[i]", "V[i]"),
    Fault("optim.adam", "math.sqrt(V[i] * second) + eps", "math.sqrt(V[i] * second + eps)"),
    Fault("optim.adam", "math.sqrt(V[i] * second)", "V[i] * second"),
    Fault("optim.adam", "(M[i] * first)", "M[i]"),
    *[
        Fault(
            f"optim.{name}",
            "flag_nonfinite(W, count, nonfinite)",
            "flag_nonfinite(W, count - 1, nonfinite)",
            ("optim.an_update_that_is_not_finite_is_flagged",),
        )
        for name in ("sgd_by_halves", "adam")
    ],
    # pool
    Fault("vector.window_max", 'fcmp_ordered(">"', 'fcmp_ordered(">="', ("pool.max_forward",)),
    Fault(
        "vector.add_where_argmax",
        "builder.fadd(load(builder, dX), share)",
        "share",
        ("pool.max_backward",),
    ),
    Fault("pool.max_backward_disjoint", "i * kernel_width + j, dy", "j * kernel_height + i, dy"),
    Fault(
        "pool.avg_forward", "np.float32(kernel_height * kernel_width)", "np.float32(kernel_height)"
    ),
    Fault("pool.avg_backward", "stride_across + j", "stride_down + j"),
    Fault("pool.global_avg_backward", "dy[lane] * share", "dy[lane]"),
    # sparse
    Fault("sparse.fold_shift", "if share == 0 else np.float32(0)", ""),
    Fault("sparse.forward", "lane * (pixels + LANES) + start[0]", "lane * (pixels + LANES)"),
    Fault(
        "sparse.gradient",
        "first + block, (share + 1) * share_width, pixels",
        "first + block, pixels",
    ),
    Fault("sparse.update", "weights[i] -= lr * G[i]", "weights[i] += lr * G[i]"),
    Fault("sparse.sum_block", "sums[o] += row[o]", "sums[o] = row[o]", ("sparse.gradient",)),
    Fault(
        "tiles.gather_tile", "builder.sub(count, done)", "constant(0)", ("sparse.forward_chunk",)
    ),
    Fault("tiles.transpose_tile", "LANES + c - half", "LANES + c", ("dense.transpose_gradient",)),
    # step
    Fault("step.begin", "float(step_state[TOTAL] + 1)", "float(step_state[TOTAL])"),
    Fault(
        "step.begin",
        " if sum_of_weights != 0 else 1.0",
        "",
        ("step.begin_with_weights_that_are_all_zero",),
    ),
    Fault(
        "step.check_finite", "max_norm > 0 and ", "", ("step.check_finite_without_a_largest_norm",)
    ),
    Fault(
        "step.check_finite",
        " and math.isfinite(loss)",
        "",
        ("step.check_finite_stops_if_a_gradient_or_the_loss_is_not_finite",),
    ),
    Fault("step.write_logits", "step_state[START] + chunk", "chunk"),
    # driver
    Fault("driver.run", "items * (worker + 1) // workers", "items // workers * (worker + 1)"),
    Fault(
        "driver.run",
        "item % step_state[CHUNKS], item // step_state[CHUNKS]",
        "item // tiles, item % tiles",
    ),
    Fault(
        "driver.run",
        "+ worker * arguments[4 * a + 3]",
        "",
        ("driver.arguments_may_differ_between_workers",),
    ),
    Fault(
        "driver.run",
        "range(steps)",
        "range(1)",
        ("driver.a_barrier_follows_each_phase_that_needs_one",),
    ),
    Fault(
        "driver.run",
        "workers > phases",
        "workers >= phases",
        ("driver.a_barrier_follows_each_phase_that_needs_one",),
    ),
    Fault(
        "driver.run",
        "step_state[STOP] != 0",
        "step_state[STOP] == 2",
        ("driver.a_run_ends_at_the_step_with_the_stop_flag",),
    ),
    # Declarations, from which the barriers follow.
    Fault("chain.add", 'reads="A, B", writes="Y"', 'reads="A, B, Y"'),
    Fault(
        "dense.gradient",
        'reads="X[chunks], R[chunks]", writes="dW[item tiles blocks], norms[item]"',
        'reads="X, R, dW[item tiles blocks]", writes="norms[item]"',
        (f"{RECORDED}[two-layer, SGD, batches of 64, dense]",),
    ),
    Fault(
        "norm.statistics",
        'writes="X, mean, deviation"',
        'reads="X, mean, deviation"',
        (f"{SCHEDULES}[resnet-False-2-last worker first]",),
    ),
]


def run_tests(folder: Path, node_ids: tuple[str, ...], *options: str) -> tuple[int, list[str], str]:
    """Run tests of a package copy; return pytest's exit code, failures and output."""
    report = folder / "report.xml"
    variables = {
        "PYTHONPATH": str(folder),
        "HANDGRAD_CACHE": str(folder / "cache"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    (folder / "cache").mkdir(mode=0o700)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=0", f"--junitxml={report}", *options, *node_ids]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    failures = []
    if report.exists():
        cases = ET.parse(report).iter("testcase")
        failures = [e.get("message", "") for case in cases for e in case if e.tag != "skipped"]
    return done.returncode, failures, done.stdout + done.stderr


def copied_package(folder: Path) -> Path:
    """Copy the package to a folder."""
    target = folder / PACKAGE.name
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.function}: {fault.wrong}")
def test_a_planted_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    fault.plant(copied_package(tmp_path))
    code, failures, output = run_tests(tmp_path, fault.node_ids, "-x")
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert failures, output
    assert all(message.startswith(("AssertionError", "assert ")) for message in failures), output


def test_the_package_without_a_fault_passes(tmp_path: Path) -> None:
    copied_package(tmp_path)
    node_ids = sorted({node_id for fault in FAULTS for node_id in fault.node_ids})
    code, failures, output = run_tests(tmp_path, tuple(node_ids))
    assert code == pytest.ExitCode.OK, output
    assert not failures


def test_every_family_of_kernels_has_a_planted_fault() -> None:
    families = {name.partition(".")[0] for name in kernel_names()}
    assert families <= {fault.function.partition(".")[0] for fault in FAULTS}
