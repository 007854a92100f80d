"""Files spoilt at random."""

import random


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes changed, cut out, doubled or put in, or its end cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(64)
        at = min(at, len(data))
        length = rng.choice((1, 1, 2, 4, 50))
        match rng.randrange(6):
            case 0:
                data[at : at + length] = rng.randbytes(length)
            case 1 if data[at:]:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + length] = rng.choice((b"\0", b"\xff", b"\x7f")) * length
            case _:
                del data[rng.randrange(len(data) + 1) :]
    return bytes(data)
