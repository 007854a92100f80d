"""The decoder of the zlib format and of Base64 gives Python's bytes, or refuses."""

import base64
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.runtime.prepared import GLUE
from tests.web.runtime.v8 import JavaScriptError, Runtime


@pytest.fixture(scope="module")
def inflated():
    js = Runtime()
    js.eval(GLUE)
    js.eval("tests.inflate = ({ text }) => as_text(handgrad.inflate(handgrad.from_base64(text)));")
    yield lambda stream: js.call("inflate", text=base64.b64encode(stream).decode()).encode(
        "latin-1"
    )
    js.close()


@settings(max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=3000),
        st.builds(lambda part, count: part * count, st.binary(max_size=40), st.integers(0, 4000)),
    ),
    st.sampled_from([0, 1, 6, 9]),
    st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY]),
)
def test_every_stream_of_zlib_is_decoded(inflated, content, level, strategy):
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
    assert inflated(packer.compress(content) + packer.flush()) == content


def test_a_damaged_stream_is_refused(inflated):
    """A changed byte, or a missing end, never gives other bytes."""
    rng = random.Random(0)
    content = bytes(rng.choices(range(20), k=400))
    for level in (0, 9):
        stream = zlib.compress(content, level)
        damaged = [stream[:n] for n in range(0, len(stream), 7)]
        damaged += [
            stream[:at] + bytes([stream[at] ^ rng.randrange(1, 256)]) + stream[at + 1 :]
            for at in range(0, len(stream), 3)
        ]
        for wrong in damaged:
            assert decoded(inflated, wrong) in (None, content)


def decoded(inflated, stream):
    """Return the bytes, or None if the stream is refused."""
    try:
        return inflated(stream)
    except JavaScriptError as error:
        if error.kind == "ModelError":
            return None
        raise
