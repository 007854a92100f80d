import numpy as np
import pytest

from handgrad.class_names import class_names
from handgrad.errors import DataError


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["dog", "cat"], ("dog", "cat")),
        (range(3), (0, 1, 2)),
        (np.unique([7, 3, 7]), (3, 7)),
        (tuple(np.array(["b", "a"])), ("b", "a")),
    ],
)
def test_names_become_pythons_own(classes, names):
    found = class_names(classes)
    assert found == names
    assert {type(name) for name in found} <= {int, str}


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ([], "there are no classes; name at least one"),
        (["a", 1], "classes must be all strings or all integers, not"),
        ([0.5, 1.5], "classes must be all strings or all integers"),
        (["a", "b", "a"], "two classes have the name 'a'; give them different names"),
    ],
)
def test_names_that_cannot_be_used_are_refused(classes, sentence):
    with pytest.raises(DataError, match=sentence):
        class_names(classes)
