"""Requests to the emulator's admin interface."""

import json
import urllib.error
import urllib.request
from typing import Any

from bitget_margin.emulator import Emulator


def admin(venue: Emulator, action: str, fields: object = None, body: bytes | None = None) -> tuple[int, Any]:
    """Call the admin interface and return status and content."""
    data = body if body is not None else json.dumps(fields).encode() if fields is not None else None
    request = urllib.request.Request(f"{venue.url}/admin/{action}", data=data)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
