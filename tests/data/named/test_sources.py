import pytest

from handgrad.data.named.sources import SOURCES, source_named
from handgrad.errors import ConfigError


def test_names():
    assert list(SOURCES) == ["digits", "mnist", "fashion-mnist", "kmnist"]
    assert source_named("kmnist") is SOURCES["kmnist"]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_sources_are_consistent(source):
    assert len(set(source.classes)) == 10
    assert source.licence
    assert all(m.startswith("https://") and m.endswith("/") for m in source.mirrors)
    assert bool(source.mirrors) == bool(source.files) == (source.name != "digits")
    for file in source.files:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size in (47_040_016, 60_008, 7_840_016, 10_008)


def test_checksums_are_distinct():
    digests = [file.sha256 for source in SOURCES.values() for file in source.files]
    assert len(set(digests)) == len(digests) == 12


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mnits", "there is no data set called 'mnits'; did you mean mnist?"),
        ("fashion_mnist", "did you mean fashion-mnist?"),
        ("", "no data set called ''; there are digits, mnist, fashion-mnist, kmnist"),
    ],
)
def test_an_unknown_name_is_rejected_with_a_hint(name, sentence):
    with pytest.raises(ConfigError, match=sentence):
        source_named(name)
