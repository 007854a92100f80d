import re

from handgrad.models import MODELS


def test_every_model_with_its_size(handgrad):
    ended = handgrad("models")
    assert (ended.status, ended.err) == (0, "")
    for name in MODELS:
        assert re.search(rf"^ {name} +[\d,]+ +[\d,]+ +[A-Z][^:]+$", ended.out, re.MULTILINE)
    assert re.search(
        r"softmax-regression +7,850 +7,840 +A single linear layer *$", ended.out, re.MULTILINE
    )
    assert re.search(r"two-layer +23,860 +23,820 +One hidden", ended.out)
