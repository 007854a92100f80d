"""Serving the page to phones in the local network: this computer's address, and a QR code."""

from __future__ import annotations

import io
import socket

import segno

from handgrad.errors import ConfigError


def qr_code(url: str) -> str:
    """Return a QR code of an address as text for a terminal, with two characters of margin."""
    buffer = io.StringIO()
    segno.make(url, error="l").terminal(buffer, border=2, compact=True)
    return buffer.getvalue()


def lan_address() -> str:
    """Return the address of this computer in the local network.

    Nothing is sent: the system only chooses the interface through which it would send.

    Raises:
        ConfigError: if this computer is in no network.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            address = str(probe.getsockname()[0])
        except OSError:
            address = ""
    if not address or address.startswith(("127.", "0.")):
        raise ConfigError("this computer is in no local network; remove --lan")
    return address
