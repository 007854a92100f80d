import json
from pathlib import Path

import pytest

from handgrad.errors import ConfigError
from handgrad.layers import Dense, Flatten
from handgrad.reproduce.convnet import ScaledByP
from handgrad.reproduce.experiment import ReportedValue, Training
from handgrad.reproduce.store import Job, ResultStore, jobs
from handgrad.reproduce.text import machine
from tests.reproduce.samples import QUICK, context, notebook

DIGESTS = {"digits": "abc"}


def reported(seed: int = 0, value: float = 1.0) -> Job:
    return Job("small", "digits", "reported", ReportedValue({"x": value}), seed)


def test_a_stored_result_is_found_again(tmp_path: Path) -> None:
    store, job = ResultStore(tmp_path, DIGESTS), reported()
    assert store.get(job) is None
    store.put(job, job.variant.run(context()))
    result = store.get(job)
    assert result is not None
    assert result.metrics == {"x": 1.0}
    content = json.loads(next(tmp_path.rglob("*.json")).read_text())
    assert result.machine == machine()
    assert content["variant"] == "ReportedValue(metrics={'x': 1.0})"


def test_another_seed_variant_engine_or_data_set_is_another_job(tmp_path: Path) -> None:
    store, job = ResultStore(tmp_path, DIGESTS, "compiled"), reported()
    store.put(job, job.variant.run(context()))
    assert store.get(reported(seed=1)) is None
    assert store.get(reported(value=2.0)) is None
    assert ResultStore(tmp_path, DIGESTS, "reference").get(job) is None
    assert ResultStore(tmp_path, {"digits": "abd"}, "compiled").get(job) is None


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    sentence = "the engine 'torch' cannot be used here; choose one of auto"
    with pytest.raises(ConfigError, match=sentence):
        ResultStore(tmp_path, DIGESTS, "torch")


def test_the_job_of_a_damaged_file_is_run_again(tmp_path: Path) -> None:
    store, job = ResultStore(tmp_path, DIGESTS), reported()
    store.put(job, job.variant.run(context()))
    path = next(tmp_path.rglob("*.json"))
    text = path.read_text()
    for damaged in (text[:50], "[]", "{}", text.replace('"metrics"', '"metric"')):
        path.write_text(damaged)
        assert store.get(job) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"metrics": {\n   "x": 1.0\n  }', '"metrics": {}', "lacks metrics"),
        ('"x"', '"z"', "lacks metrics"),
        ('"x": 1.0', '"x": NaN', "has metrics that are not finite"),
        ('"result"', '"results"', "cannot be read"),
        ('"seed": 0', '"seed": 1', "belongs to another job"),
        ('"data": "abc"', '"data": "abd"', "belongs to another job"),
        ('"engine": "compiled"', '"engine": "reference"', "belongs to another job"),
        ("(metrics={'x': 1.0})", "(metrics={'x': 2.0})", "belongs to another job"),
    ],
)
def test_an_unusable_file_gives_one_warning_and_no_result(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    warnings: list[str] = []
    store = ResultStore(tmp_path, DIGESTS, "compiled", warnings.append)
    job = reported()._replace(metrics=frozenset({"x"}))
    store.put(job, job.variant.run(context()))
    assert store.get(job) is not None
    path = next(tmp_path.rglob("*.json"))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert store.get(job) is None
    assert store.get(job) is None
    assert warnings == [f"{path} {words}; its job will be run again"]


def test_a_network_that_cannot_be_read_gives_a_warning(tmp_path: Path) -> None:
    warnings: list[str] = []
    store = ResultStore(tmp_path, DIGESTS, warn=warnings.append)
    job = Job("small", "digits", "fit", notebook().experiments[0].variants["corrected"], 0)
    store.put(job, job.variant.run(context()))
    path = next(tmp_path.rglob("*.safetensors"))
    path.write_bytes(b"no network")
    assert store.network(job) is None
    (sentence,) = warnings
    assert sentence.startswith(f"a network cannot be shown: {path}")


def test_a_job_knows_the_metrics_that_the_report_needs() -> None:
    published, corrected, benchmark = jobs([notebook()], seeds=1)
    assert published.metrics == {"test accuracy", "test loss"}
    assert corrected.metrics == {"test accuracy", "test loss"}
    assert benchmark.metrics == {"handgrad: microseconds", "handgrad: accuracy", "total"}


def test_the_network_of_the_first_seed_is_stored(tmp_path: Path) -> None:
    store, variant = ResultStore(tmp_path, DIGESTS), notebook().experiments[0].variants["corrected"]
    for seed in (0, 1):
        job = Job("small", "digits", "fit", variant, seed)
        result = variant.run(context(seed))
        store.put(job, result)
        net = store.network(job)
        assert (net is not None) == (seed == 0)
        if net is not None and result.net is not None:
            X = context().test.images
            assert (net.logits(X) == result.net.logits(X)).all()


def test_equal_variants_are_one_job_and_the_first_seed_comes_first() -> None:
    assert [(job.description, job.seed) for job in jobs([notebook()], seeds=2)] == [
        ("one hidden layer, published", 0),
        ("one hidden layer, corrected", 0),
        ("speed benchmark", 0),
        ("one hidden layer, published", 1),
        ("one hidden layer, corrected", 1),
    ]


def test_a_network_with_layers_of_a_notebook_is_not_stored_but_its_metrics_are(
    tmp_path: Path,
) -> None:
    variant = Training((Flatten(), ScaledByP(0.5), Dense()), QUICK)
    job = Job("small", "digits", "fit", variant, 0)
    store = ResultStore(tmp_path, DIGESTS)
    store.put(job, variant.run(context()))
    assert store.get(job) is not None
    assert store.network(job) is None
