"""Download a file from a URL, with limits that the server cannot exceed."""

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

_CHUNK = 1 << 12  # bytes that must arrive within `Limits.stall` seconds


@dataclass(frozen=True)
class Limits:
    """The limits of a transfer.

    Attributes:
        scheme: the only URL scheme that is allowed, including in redirects.
        stall: the number of seconds after which the transfer is cancelled if no connection is made,
            no response arrives, or less than another 4 KiB of data arrives.
    """

    scheme: str = "https"
    stall: float = 15.0


_REASONS = (
    ((requests.Timeout, urllib3.exceptions.TimeoutError), "no response in time"),
    (requests.exceptions.SSLError, "no secure connection"),
    (urllib3.exceptions.ProtocolError, "the connection was interrupted"),
    (requests.ConnectionError, "no connection"),
    (requests.TooManyRedirects, "too many redirects"),
)


class TransferError(Exception):
    """Raised if a transfer fails; the message gives the reason in a few words."""


def transfer(url: str, target: Path, limit: int, *, progress: bool | None, limits: Limits) -> None:
    """Download a URL to a file.

    Args:
        url: the URL.
        target: the file to write. After an error it may be incomplete.
        limit: the largest number of bytes to accept.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.
        limits: the limits of the transfer.

    Raises:
        TransferError: if the download fails or exceeds the limits.
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
        download = _Download(file, bar, limit)
        # In a thread, because name resolution and a very slow response have no time limit.
        thread = threading.Thread(target=download.run, args=(url, limits), daemon=True)
        thread.start()
        while thread.is_alive():
            left = download.last + limits.stall - time.monotonic()
            if left <= 0:
                raise TransferError("no response in time")
            thread.join(left)
        if download.error is not None:
            raise download.error
        file.flush()
        os.fsync(file.fileno())


class _Download:
    """Writes a response to a file, and stops soon after the file is closed.

    Attributes:
        last: the time when the last chunk arrived.
        error: the exception that ended the download, or None if it did not fail.
    """

    def __init__(self, file: IO[bytes], bar: tqdm[None], limit: int) -> None:
        self.file, self.bar, self.left = file, bar, limit
        self.last = time.monotonic()
        self.error: Exception | None = None

    def run(self, url: str, limits: Limits) -> None:
        """Write the complete response to the file."""
        try:
            with _request(url, limits) as response:
                response.raise_for_status()
                length = response.headers.get("content-length", "")
                self.bar.total = int(length) if length.isdecimal() else None
                for chunk in response.raw.stream(_CHUNK, decode_content=False):
                    self._write(chunk)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self.error = TransferError(_reason(error))
        except Exception as error:  # raised again in the thread that waits
            self.error = error.with_traceback(None)

    def _write(self, chunk: bytes) -> None:
        self.left -= len(chunk)
        if self.left < 0:
            raise TransferError("the file is larger than expected")
        self.file.write(chunk)
        self.last = time.monotonic()
        self.bar.update(len(chunk))


def _request(url: str, limits: Limits) -> requests.Response:
    """Request a URL, and return the response; its body has not been read yet."""

    def check_redirect(response: requests.Response, **_: Any) -> None:
        if response.is_redirect:
            _check_scheme(urljoin(response.url, response.headers["location"]), limits)
            response.close()  # otherwise requests reads its body, however long it is

    _check_scheme(url, limits)
    return requests.get(
        url,
        stream=True,
        timeout=limits.stall,
        headers={"Accept-Encoding": "identity"},
        hooks={"response": check_redirect},
    )


def _check_scheme(url: str, limits: Limits) -> None:
    """Raise a TransferError unless a URL has the allowed scheme."""
    if urlsplit(url).scheme != limits.scheme:
        raise TransferError(f"{url} is not an {limits.scheme} URL")


def _reason(error: Exception) -> str:
    """Describe in a few words why a transfer failed."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    return next(
        (words for kinds, words in _REASONS if isinstance(error, kinds)),
        f"invalid response ({type(error).__name__})",
    )
