"""One file from one address, within limits that the other side cannot stretch."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm

_PIECE = 1 << 12  # bytes; so many must come while `Terms.stall` lasts


@dataclass(frozen=True)
class Terms:
    """What a transfer may do.

    Attributes:
        scheme: the only kind of address that is asked, redirects included.
        stall: seconds without a connection, an answer or 4 KiB more, after which it is given up.
    """

    scheme: str = "https"
    stall: float = 15.0


_REASONS = (
    ((requests.Timeout, urllib3.exceptions.TimeoutError), "no answer in time"),
    (requests.exceptions.SSLError, "no secure connection"),
    (urllib3.exceptions.ProtocolError, "the connection broke off"),
    (requests.ConnectionError, "no connection"),
    (requests.TooManyRedirects, "it leads on and on"),
)


class TransferError(Exception):
    """Why a transfer failed, in a few words."""


def transfer(url: str, target: Path, limit: int, *, progress: bool | None, terms: Terms) -> None:
    """Write what lies at an address to a file.

    Args:
        url: the address.
        target: the file, which may be left half-written.
        limit: how many bytes may come at most.
        progress: whether to show a bar on stderr; None: where that is a terminal.
        terms: how the address may be asked.

    Raises:
        TransferError: if it does not come, or not within the limits.
        OSError: if the file cannot be written.
    """
    bar = tqdm(
        total=limit,
        desc=url.rpartition("/")[2],
        unit="B",
        unit_scale=True,
        disable=None if progress is None else not progress,
    )
    with target.open("wb") as file, bar:
        reception = _Reception(file, bar, limit)
        # A thread of its own: asking for a name, or an answer that comes byte by byte, has no end.
        thread = threading.Thread(target=reception.run, args=(url, terms), daemon=True)
        thread.start()
        while thread.is_alive():
            left = reception.last + terms.stall - time.monotonic()
            if left <= 0:
                raise TransferError("no answer in time")
            thread.join(left)
        if reception.error is not None:
            raise reception.error
        file.flush()
        os.fsync(file.fileno())


class _Reception:
    """Takes in what an address sends.

    It ends, wherever it is, soon after the file has been closed.

    Attributes:
        last: when the last piece came.
        error: what went wrong.
    """

    def __init__(self, file: IO[bytes], bar: tqdm[None], limit: int) -> None:
        self.file, self.bar, self.left = file, bar, limit
        self.last = time.monotonic()
        self.error: Exception | None = None

    def run(self, url: str, terms: Terms) -> None:
        """Write all that comes to the file."""
        try:
            with _answer(url, terms) as answer:
                answer.raise_for_status()
                length = answer.headers.get("content-length", "")
                self.bar.total = int(length) if length.isdecimal() else None
                for piece in answer.raw.stream(_PIECE, decode_content=False):
                    self._take(piece)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self.error = TransferError(_reason(error))
        except Exception as error:  # it is raised where the transfer is waited for
            self.error = error.with_traceback(None)

    def _take(self, piece: bytes) -> None:
        self.left -= len(piece)
        if self.left < 0:
            raise TransferError("the file is too long")
        self.file.write(piece)
        self.last = time.monotonic()
        self.bar.update(len(piece))


def _answer(url: str, terms: Terms) -> requests.Response:
    """Return the beginning of what an address answers."""

    def look_at(answer: requests.Response, **_: Any) -> None:
        if answer.is_redirect:
            _check_scheme(urljoin(answer.url, answer.headers["location"]), terms)
            answer.close()  # or requests reads all of it, however long it is

    _check_scheme(url, terms)
    return requests.get(
        url,
        stream=True,
        timeout=terms.stall,
        headers={"Accept-Encoding": "identity"},
        hooks={"response": look_at},
    )


def _check_scheme(url: str, terms: Terms) -> None:
    """Raise a TransferError if an address is of another kind than allowed."""
    if urlsplit(url).scheme != terms.scheme:
        raise TransferError(f"it leads to {url}, which is not {terms.scheme}")


def _reason(error: Exception) -> str:
    """Return in a few words why a transfer failed."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    return next(
        (words for kinds, words in _REASONS if isinstance(error, kinds)),
        f"no proper answer ({type(error).__name__})",
    )
