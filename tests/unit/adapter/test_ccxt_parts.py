"""Promise: a ccxt in which a used part has moved stops the flavour that uses it, by name; any other works."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
from ccxt.async_support.base.ws.client import Client

from bitget_margin.adapter import ccxt_parts
from bitget_margin.adapter.declared_parts import PartCheck

CHECKS: list[tuple[Callable[[type], PartCheck], type, int]] = [
    (ccxt_parts.check_sync, ccxt.bitget, 75),
    (ccxt_parts.check_async, ccxt.async_support.bitget, 75),
    (lambda cls: ccxt_parts.check_pro(cls, Client), ccxt.pro.bitget, 25),
]
FLAVOURS = pytest.mark.parametrize(("check", "cls", "least"), CHECKS, ids=["sync", "async", "pro"])


@FLAVOURS
def test_nothing_has_moved_in_the_installed_ccxt(check: Callable[[type], PartCheck], cls: type, least: int) -> None:
    found = check(cls)
    assert found.moved == []
    assert found.checked >= least


@FLAVOURS
@pytest.mark.parametrize("method", ["fetch", "watch_private"])
def test_a_method_with_another_code_or_other_parameters_is_named(
    check: Callable[[type], PartCheck], cls: type, least: int, method: str
) -> None:
    def other(self: Any, somewhere: Any) -> None: ...

    other.__module__ = "ccxt.bitget"
    changed = type("bitget", (cls,), {method: other})
    named = {text.split()[0].rpartition(".")[2] for text in check(changed).moved}
    uses = (method == "watch_private") is (cls is ccxt.pro.bitget)
    assert named == ({method} if uses else set())


@pytest.mark.parametrize("name", ["on_error", "subscriptions", "create_connection"])
def test_a_member_of_the_websocket_client_that_is_missing_is_named(name: str) -> None:
    members = {each: value for each, value in vars(Client).items() if each not in {name, "__dict__", "__weakref__"}}
    members["__init__"] = lambda self: None
    found = ccxt_parts.check_pro(ccxt.pro.bitget, type("Client", (), members))
    assert any(text == f"ccxt.pro's client.{name} is missing" for text in found.moved)


def test_a_flavour_is_not_loaded_without_its_parts_and_the_others_are() -> None:
    script = """
        import ccxt, ccxt.async_support, ccxt.pro, bitget_margin
        {0}
        for load in (lambda: bitget_margin.bitget, lambda: bitget_margin.async_support, lambda: bitget_margin.pro):
            try:
                load()
            except ImportError as error:
                print(error)
            else:
                print("loaded")
    """

    def lines(change: str) -> list[str]:
        code = textwrap.dedent(script).format(change)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)  # noqa: S603
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    sync, others, pro = lines("del ccxt.bitget.create_uta_order_request, ccxt.pro.bitget.watch_private")
    assert sync.startswith("bitget-margin ")
    assert f"ccxt {ccxt.__version__}" in sync
    assert "ccxt.bitget.create_uta_order_request is missing" in sync
    assert others == "loaded"
    assert "ccxt.pro.bitget.watch_private is missing" in pro
    assert "create_uta_order_request" not in pro


def test_nothing_is_compared_of_a_class_that_is_not_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without sources works, with what remains to be compared."""
    monkeypatch.setattr(ccxt_parts, "declared_members", lambda _: {})
    found: Any = ccxt_parts.check_sync(ccxt.bitget)
    assert (found.checked, found.moved) == (1, [])
