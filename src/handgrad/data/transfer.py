"""One file from one address, within limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
from pooch import HTTPDownloader
from tqdm import tqdm

_PIECE = 1 << 16


@dataclass(frozen=True)
class Terms:
    """What a transfer may do.

    Attributes:
        scheme: the only kind of address that is asked, redirects included.
        connect: seconds to wait for a connection.
        stall: seconds to wait for the next bytes.
    """

    scheme: str = "https"
    connect: float = 10.0
    stall: float = 30.0


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
    _check_scheme(url, terms)

    def look_at(response: requests.Response, **_: Any) -> None:
        if response.is_redirect:
            _check_scheme(urljoin(response.url, response.headers["location"]), terms)
        # some servers name the file's own compression as theirs; it is not to be undone
        response.raw.headers.pop("content-encoding", None)

    bar = tqdm(
        total=limit,  # pooch puts in the true size once it knows it
        desc=url.rpartition("/")[2],
        unit="B",
        unit_scale=True,
        disable=None if progress is None else not progress,
    )
    with target.open("wb") as file, bar:
        get = HTTPDownloader(
            progressbar=bar,
            chunk_size=_PIECE,
            timeout=(terms.connect, terms.stall),
            headers={"Accept-Encoding": "identity"},
            hooks={"response": look_at},
        )
        try:
            get(url, _Bounded(file, limit), None)
        except (
            requests.RequestException,
            ValueError,
        ) as error:  # pooch reads the length as a number
            raise TransferError(_reason(error)) from None
        file.flush()
        os.fsync(file.fileno())


class _Bounded:
    """A file that does not grow past a limit."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.file, self.left = file, limit

    def write(self, piece: bytes) -> None:
        self.left -= len(piece)
        if self.left < 0:
            raise TransferError("the file is too long")
        self.file.write(piece)

    def flush(self) -> None:
        """Leave it to the file: pooch asks for it after every piece."""


def _check_scheme(url: str, terms: Terms) -> None:
    """Raise a TransferError if an address is of another kind than allowed."""
    if urlsplit(url).scheme != terms.scheme:
        raise TransferError(f"it leads to {url}, which is not {terms.scheme}")


def _reason(error: Exception) -> str:
    """Return in a few words why a transfer failed."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"no proper answer ({type(error).__name__})"
