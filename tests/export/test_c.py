"""Models in C give Python's logits, prepared images, probabilities and reasons."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.calibration import Calibration
from handgrad.classifier import Bundle
from handgrad.errors import ConfigError, MissingExtraError, ModelError
from handgrad.export.c import compiler, source, to_c, write_c
from handgrad.export.c.golden import REASONS
from handgrad.export.c.size import size_of
from handgrad.models import MODELS
from handgrad.ood import fit_ood
from handgrad.preprocess import CropToInk, InvertDarkInk, Preprocessing, drawing, light, plain
from tests.cases import CASES, stir
from tests.engines.chains import chain_of
from tests.export.c_library import Library, bundle_of
from tests.web.runtime import images
from tests.web.runtime.test_preprocess import HARD, PRESETS

LARGEST = 302  # pixels: the longest side of the images that the tests prepare
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c")


def compare_logits(library: Library, name: str, X: np.ndarray) -> None:
    """Assert that labels are the same, and logits to within 1e-5 of the largest."""
    expected = library.bundles[name].classifier.network.logits(X)
    found = library.logits(name, X)
    assert np.abs(found - expected).max() <= 1e-5 * max(np.abs(expected).max(), 1e-3), name
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_every_layer_and_every_small_network_gives_the_logits_of_python(folder: Path) -> None:
    models = {
        f"n{k}": bundle_of(hg.Classifier(case.network()), case.examples(dtype=np.float32))
        for k, case in enumerate(CASES)
    }
    library = Library(models, folder, ("-O0",))
    for (name, bundle), case in zip(models.items(), CASES, strict=True):
        compare_logits(library, name, case.examples(1, dtype=np.float32))
        size = size_of(bundle.classifier, 0, 0)
        assert library.size(name) == size.workspace, case.name


# beartype checks random elements of containers, here the settings of random layers.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_random_networks_give_the_logits_of_python(data, tmp_path_factory) -> None:
    case = chain_of(data)
    bundle = bundle_of(hg.Classifier(case.network()), case.examples(dtype=np.float32))
    library = Library({"net": bundle}, tmp_path_factory.mktemp("c"))
    compare_logits(library, "net", case.examples(1, dtype=np.float32))


def preparing(preprocessing: Preprocessing) -> Bundle:
    net = hg.Network([hg.Flatten(), hg.Dense()], preprocessing.shape, 3)
    return bundle_of(hg.Classifier(net, preprocessing=preprocessing))


@pytest.fixture(scope="module")
def presets(folder: Path) -> Library:
    """Return all presets, in a library that accepts larger images than usual."""
    models = {f"p{k}": preparing(preset) for k, preset in enumerate(PRESETS.values())}
    sizes = [
        f"-D{name.upper()}_MAX_{side}={LARGEST}" for name in models for side in ("HEIGHT", "WIDTH")
    ]
    (folder / "presets").mkdir()
    return Library(models, folder / "presets", ("-O1", *sizes))


def compare_preparation(library: Library, name: str, X: np.ndarray) -> None:
    """Assert that C gives the bytes of Python, and finds the same problem."""
    classifier = library.bundles[name].classifier
    expected, problem = classifier.preprocessing.check(X)
    found = library.image(name, X)
    assert REASONS[found.problem] == (problem or "")
    np.testing.assert_array_equal(found.prepared, expected)
    assert REASONS[found.reason] == (problem or "")
    logits = classifier.network.logits(expected[None])[0]
    np.testing.assert_allclose(found.logits, logits, atol=1e-5 * np.abs(logits).max())


@pytest.mark.parametrize("name", HARD)
def test_problems_and_bytes_of_hard_images(presets: Library, name: str) -> None:
    for preset in ("p0", "p3", "p8"):
        compare_preparation(presets, preset, HARD[name])


@pytest.mark.parametrize("name", range(len(PRESETS)), ids=list(PRESETS))
@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(X=images.images())
def test_raw_images_are_prepared_as_in_python(presets: Library, name: int, X: np.ndarray) -> None:
    compare_preparation(presets, f"p{name}", X)


@pytest.mark.slow
@pytest.mark.parametrize("name", range(len(PRESETS)), ids=list(PRESETS))
@settings(max_examples=500, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(X=images.images())
def test_many_raw_images_are_prepared_as_in_python(presets, name, X) -> None:
    compare_preparation(presets, f"p{name}", X)


def test_images_that_do_not_fit_are_refused(presets: Library) -> None:
    for shape in ((LARGEST + 1, 3), (3, LARGEST + 1), (0, 3), (3, 0), (3, 3, 5), (3, 3, 0)):
        assert presets.image("p0", np.zeros(shape, np.uint8)).problem == -1


def classifier_of(name: str = "two-layer") -> hg.Classifier:
    """Return a calibrated classifier for digits, with a score and difficult class names."""
    train, _ = hg.load_data("digits")
    names = ["Ä", 'a"b', "c\\d", "??/", "*/", "e\nf", "%s", "hg_", "@file@", "0" * 300]
    model = hg.Classifier.for_data(MODELS[name](), train, seed=1)
    model.network.fit_statistics(train.images)
    stir(model.network.arrays, np.random.default_rng(1))
    model = hg.Classifier(
        model.network, names, preprocessing=light(train.shape), pixel_range=train.pixel_range
    )
    some = train.take(np.arange(300))
    Z = model.network.logits(some.images)
    middle = float(np.median(Calibration(2.5).probabilities(Z).max(axis=1)))
    model.calibration = Calibration(temperature=2.5, threshold=middle)
    ood = fit_ood(model.network, some, some, Z)
    few = {name: getattr(ood, name)[:, :6] for name in ("directions", "variances")}
    model.ood = replace(ood, **few)  # so that the compiler is fast
    return model


@pytest.fixture(scope="module")
def model() -> Bundle:
    train, _ = hg.load_data("digits")
    return bundle_of(classifier_of(), train.images)


def test_probabilities_reasons_and_scores_are_those_of_python(model: Bundle, folder: Path) -> None:
    (folder / "answers").mkdir()
    library = Library({"net": model}, folder / "answers")
    classifier, rng = model.classifier, np.random.default_rng(0)
    _, test = hg.load_data("digits")
    raw = [*test.images[:60, 0], *rng.integers(0, 256, (20, 8, 8), np.uint8)]
    raw += [np.full((9, 9), 80, np.uint8)]
    seen = set()
    for X in raw:
        found = library.image("net", X)
        prepared, problem = classifier.preprocessing.check(X)
        pixels = prepared[None]
        Z = classifier.network.logits(pixels)
        np.testing.assert_allclose(
            found.probabilities, classifier.predict_proba(pixels)[0], atol=1e-5
        )
        assert found.score == pytest.approx(
            float(classifier.ood.scores(classifier.network, pixels, Z)[0]), rel=1e-4, abs=1e-4
        )
        assert found.label == Z.argmax()
        reason = problem or classifier.doubt(pixels, Z, pixel_range="raw")[0]
        assert REASONS[found.reason] == reason
        seen.add(reason)
    assert seen == {"", "unsure", "unlike the training data", "nothing drawn"}


def test_the_self_test_passes(model: Bundle, tmp_path: Path) -> None:
    size = write_c(model, tmp_path / "net.h")
    status, printed = compiler.run_test(tmp_path / "net.h")
    count = len(model.golden.images)
    assert (status, printed.split(",")[0]) == (
        0,
        f"{count} of {count} answers as on the day it was saved",
    )
    assert float(printed.split()[-1]) < 1e-5
    assert compiler.run_test(tmp_path / "net.h", ["-DNET_NO_OOD"])[0] == 0
    small = ["-DNET_MAX_HEIGHT=8", "-DNET_MAX_WIDTH=8", "-DNET_MAX_CHANNELS=1"]
    assert compiler.run_test(tmp_path / "net.h", small)[0] == 0
    assert size.weights == 4 * sum(a.size for a in model.classifier.network.arrays.values())


CHANGES = {
    "a weight": (r"(net_\d_weight\[\d+\] = \{\n +)[-\d.e]+f", r"\g<1>0.125f", "a weight"),
    "the score": (r"(net_ood_means\[\d+\] = \{\n +)[-\d.e]+f", r"\g<1>0.125f", "score"),
    "a class name": (r'(_class_names\[NET_CLASSES\] = \{)"[^"]*"', r'\g<1>"x"', "class 0"),
    "a step": (r"net_invert_dark_ink\(&image, 0\)", "net_invert(&image)", ""),
    "the temperature": (r"(NET_TEMPERATURE) 2.5f", r"\1 2.6f", ""),
    "a golden image": (r"(net_golden_raw\[\d+\] = \{\n +)(\d+)", r"\g<1>199", ""),
    "a golden answer": (r"(net_golden_logits\[\d+\] = \{\n +)[-\d.e]+f", r"\g<1>99.0f", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_self_test_finds_a_change(model: Bundle, tmp_path: Path, change: str) -> None:
    pattern, new, sentence = CHANGES[change]
    text, count = re.subn(pattern, new, to_c(model), count=1)
    assert count == 1
    (tmp_path / "net.h").write_text(text)
    no_warnings = ["-Wno-unused-function", "-O0"]  # a step is no longer called
    status, printed = compiler.run_test(tmp_path / "net.h", no_warnings)
    assert status == 1
    assert sentence in printed


def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    if which("gcc") is None:
        pytest.skip("gcc is not installed")
    bundle = preparing(drawing(28))
    write_c(bundle, tmp_path / "net.h")
    program = """#define NET_IMPLEMENTATION
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    int shape[3];
    net_answer answer;
    net_workspace *w = (net_workspace *)malloc(NET_WORKSPACE_BYTES);
    while (fread(shape, sizeof shape, 1, stdin) == 1) {
        const size_t count = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
        uint8_t *pixels = (uint8_t *)malloc(count);
        if (fread(pixels, 1, count, stdin) != count) return 2;
        if (net_predict_image(pixels, shape[0], shape[1], shape[2], &answer, w)) return 3;
        free(pixels);
    }
    free(w);
    return 0;
}
"""
    (tmp_path / "run.c").write_text(program)
    sizes = [f"-DNET_MAX_{side}={LARGEST}" for side in ("HEIGHT", "WIDTH")]
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
    compiler.compile_c(tmp_path / "run.c", tmp_path / "run", [*checks, *sizes])
    rng = np.random.default_rng(0)
    raw = list(HARD.values()) + [
        images.image(kind, tuple(rng.integers(1, 300, 2)), 1 + k % 4, "noise", rng)
        for k, kind in enumerate(images.KINDS * 4)
    ]
    data = b"".join(
        np.array([*X.shape, 1][:3], np.int32).tobytes() + np.ascontiguousarray(X).tobytes()
        for X in raw
    )
    done = subprocess.run([tmp_path / "run"], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_the_header_is_usable_from_cpp_and_in_two_files(model: Bundle, tmp_path: Path) -> None:
    if which("g++") is None:
        pytest.skip("g++ is not installed")
    write_c(model, tmp_path / "net.h")
    (tmp_path / "a.cpp").write_text('#define NET_IMPLEMENTATION\n#include "net.h"\n')
    (tmp_path / "b.cpp").write_text(
        '#include "net.h"\nstatic net_workspace w;\nint main() {\n'
        "    net_answer answer;\n    static const uint8_t X[NET_INPUTS] = {0};\n"
        "    net_predict(X, &answer, &w);\n    return answer.label < 0;\n}\n"
    )
    command = ["g++", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic", "-O1"]
    subprocess.run([*command, "a.cpp", "b.cpp", "-o", "ab"], cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "ab"], check=True)


REFUSED = {
    "name": ({"name": "1net"}, ConfigError, "cannot begin the names in C"),
    "reserved": ({"name": "_net"}, ConfigError, "begin with a letter"),
    "empty": ({"name": ""}, ConfigError, "cannot begin the names in C"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_names_are_refused(model: Bundle, case: str) -> None:
    options, error, sentence = REFUSED[case]
    with pytest.raises(error, match=sentence):
        to_c(model, **options)


def test_what_c_does_not_support_is_refused(model: Bundle) -> None:
    from handgrad.preprocess.version1 import KINDS

    def with_steps(*steps: object) -> Bundle:
        classifier = hg.Classifier(
            hg.Network([hg.Flatten(), hg.Dense()], (1, 8, 8), 10),
            preprocessing=Preprocessing((1, 8, 8), steps),
        )
        return replace(model, classifier=classifier)

    first, *rest = plain((1, 8, 8)).steps
    with pytest.raises(ModelError, match="handgrad upgrade"):
        to_c(with_steps(KINDS["CompositeAlpha"](), KINDS["Grayscale"](), KINDS["Resize"](8, 8)))
    named = replace(
        model, classifier=hg.Classifier(model.classifier.network, ["a\0b", *"bcdefghij"])
    )
    with pytest.raises(ModelError, match="null character"):
        to_c(named)
    with pytest.raises(ModelError, match=r"must end in \.h"):
        write_c(model, Path("net.c"))
    with pytest.raises(ModelError, match="first step of a preprocessing must be CompositeAlpha"):
        to_c(with_steps(*rest))
    with pytest.raises(ModelError, match="InvertDarkInk must come after the step Grayscale"):
        to_c(with_steps(first, InvertDarkInk(), *rest))
    assert to_c(with_steps(first, *rest, CropToInk(), rest[-1]))


def test_the_program_of_the_documentation_answers(tmp_path: Path) -> None:
    page = (ROOT / "docs/export_c.md").read_text()
    (program,) = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    write_c(preparing(drawing(28)), tmp_path / "net.h")
    (tmp_path / "program.c").write_text(program)
    compiler.compile_c(tmp_path / "program.c", tmp_path / "program", ["-O0"])
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout == "don't know: nothing drawn\n"


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("name", MODELS)
def test_named_models_answer_1000_test_images_alike(name: str, tmp_path: Path) -> None:
    train, test = hg.load_data("mnist")
    model = hg.Classifier.for_data(MODELS[name](), train)
    hg.fit(model, train.take(np.arange(2000)), epochs=1)
    model.preprocessing = drawing(28)
    bundle = bundle_of(model, test.images)
    large = ["-DNET_MAX_HEIGHT=400", "-DNET_MAX_WIDTH=400", "-O2"]
    library = Library({"net": bundle}, tmp_path, tuple(large))
    compare_logits(library, "net", model.network.as_input(test.images[:1000]))
    rng = np.random.default_rng(0)
    for k in range(1000):
        size = int(rng.integers(1, 401)), int(rng.integers(1, 301))
        kind, alpha = images.KINDS[k % len(images.KINDS)], images.ALPHAS[k % len(images.ALPHAS)]
        compare_preparation(library, "net", images.image(kind, size, 1 + k % 4, alpha, rng))


@pytest.mark.slow
def test_the_self_test_passes_on_arm(model: Bundle, tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="pip install ziglang")
    qemu = which("qemu-arm-static") or which("qemu-arm")
    if qemu is None:
        pytest.skip("qemu-arm is not installed")
    write_c(model, tmp_path / "net.h")
    zig = [sys.executable, "-m", "ziglang", "cc", *compiler.WARNINGS, "-O2"]
    target = ["-target", "arm-linux-musleabihf", "-static", "-DHANDGRAD_TEST"]
    command = [*zig, *target, "-x", "c", "net.h", "-o", "test"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([qemu, "./test"], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_the_header_compiles_with_zig_and_clang(model: Bundle, tmp_path: Path) -> None:
    write_c(model, tmp_path / "net.h")
    compilers = [[path] for name in ("clang", "gcc") if (path := which(name))]
    if find_spec("ziglang"):
        compilers.append([sys.executable, "-m", "ziglang", "cc"])
    for command in compilers:
        options = [*compiler.WARNINGS, "-O2", "-DHANDGRAD_TEST", "-x", "c", "net.h", "-o", "test"]
        subprocess.run([*command, *options, "-lm"], cwd=tmp_path, check=True)
        subprocess.run(["./test"], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_the_header_compiles_for_a_cortex_m4(model: Bundle, tmp_path: Path) -> None:
    gcc = which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    write_c(model, tmp_path / "net.h")
    target = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os"]
    options = [*target, *compiler.WARNINGS, "-DNET_IMPLEMENTATION", "-c", "-x", "c", "net.h"]
    subprocess.run([gcc, *options, "-o", "net.o"], cwd=tmp_path, check=True)
    print(subprocess.run(["arm-none-eabi-size", "net.o"], cwd=tmp_path, check=True))


def test_without_a_compiler_one_sentence_says_so(
    model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "which", lambda _: None)
    monkeypatch.setattr(compiler, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="no C compiler is installed"):
        compiler.run_c(model, model.golden.images)
    monkeypatch.setattr(compiler, "find_spec", lambda name: name)
    assert compiler.compiler() == [sys.executable, "-m", "ziglang", "cc"]


def test_each_function_of_the_library_is_found_by_its_name() -> None:
    for file in (*source.LIBRARY, "predict"):
        text = source.read(f"{file}.h")
        names = {name for part, _ in source.blocks(text) for name in part}
        for name in re.findall(r"^\w[\w ]*\*?\b(hg_\w+)\(", text, re.MULTILINE):
            assert name in names, name
