import numpy as np

from handgrad.layers import Context, Flatten


def test_channel_by_channel_row_by_row() -> None:
    X = np.arange(24.0).reshape(2, 3, 2, 2)
    Y, cache = Flatten().forward({}, X, Context())
    np.testing.assert_array_equal(Y, [np.arange(12), np.arange(12, 24)])
    dX, _ = Flatten().backward({}, cache, Y)
    np.testing.assert_array_equal(dX, X)


def test_no_images_at_all() -> None:
    Y, cache = Flatten().forward({}, np.zeros((0, 3, 2, 2)), Context())
    assert Y.shape == (0, 12)
    assert Flatten().backward({}, cache, Y)[0].shape == (0, 3, 2, 2)
