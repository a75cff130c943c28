"""The results of the orders decide the exit code: the worse wins, and nothing doubtful is called done."""

import io
import signal
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from rich.console import Console, RenderableType

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved, attach
from bitget_margin.cli import signals
from bitget_margin.cli.operator import display, errors
from bitget_margin.cli.operator.cancel import _ending
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.execute import batches, execute
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.results import OrderResults, naming_command, summary
from bitget_margin.cli.operator.selection import NamedOrder, Selection
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome

BTC = "BTC/USDT"
PAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>" + "<p>words</p>" * 40
A, B = NamedOrder(IdKind.ORDER, "1", BTC), NamedOrder(IdKind.CLIENT, "b", BTC)


def order(order_id: str | None, name: str | None = None, **more: Any) -> dict[str, Any]:
    known = dict.fromkeys(("side", "price", "amount", "filled", "timestamp", "status"))
    return {"symbol": BTC, "id": order_id, "clientOrderId": name, **known, **more}


def result(order_id: str | None, outcome: Outcome, name: str | None = None) -> CancelResult:
    return CancelResult(order_id, name, BTC, outcome, "why", None, order(order_id, name))


def report(*outcomes: Outcome) -> CancelReport:
    return CancelReport(tuple(result(str(i), outcome) for i, outcome in enumerate(outcomes, 1)))


def carrying(error: BaseException, *outcomes: Outcome) -> BaseException:
    attach(error, report(*outcomes))
    return error


def tied(error: ccxt.BaseError, code: str, status: int = 400) -> ccxt.BaseError:
    """Return an exception with this response attached."""
    ccxt_errors.attach_response(error, status, {"code": code, "msg": "its words"})
    return error


def denied() -> ccxt.BaseError:
    return tied(ccxt.PermissionDenied("x"), "40014")


def late() -> ccxt.BaseError:
    return tied(ccxt.AuthenticationError("x"), "40010")


def expired() -> ccxt.BaseError:
    return tied(ccxt.InvalidNonce("x"), "40008")


def by_gateway() -> ccxt.BaseError:
    return tied(ccxt.ExchangeError("x"), "43001", 502)


@pytest.mark.parametrize(
    ("outcomes", "error", "code"),
    [
        ((), None, Exit.DONE),
        ((Outcome.CANCELED, Outcome.FILLED), None, Exit.DONE),
        ((Outcome.CANCELED, Outcome.OPEN), None, Exit.OPEN),
        ((Outcome.NOT_FOUND,), None, Exit.OPEN),
        ((Outcome.ACCEPTED,), None, Exit.UNRESOLVED),
        ((Outcome.UNKNOWN, Outcome.OPEN), None, Exit.UNRESOLVED),
        ((Outcome.NOT_SENT,), denied(), Exit.OPEN),
        ((Outcome.NOT_SENT,), late(), Exit.UNRESOLVED),
        ((Outcome.NOT_SENT,), by_gateway(), Exit.UNRESOLVED),
        ((Outcome.CANCELED,), denied(), Exit.OPEN),
        ((Outcome.NOT_SENT,), ccxt.RequestTimeout("x"), Exit.UNRESOLVED),
        ((Outcome.NOT_SENT,), ccxt.BadSymbol("x"), Exit.OPEN),
        ((Outcome.CANCELED,), ZeroDivisionError("a bug"), Exit.UNRESOLVED),
        ((Outcome.CANCELED,), KeyboardInterrupt(), Exit.UNRESOLVED),
        ((Outcome.UNKNOWN, Outcome.NOT_SENT), KeyboardInterrupt(), Exit.UNRESOLVED),
        ((Outcome.NOT_SENT, Outcome.NOT_SENT), KeyboardInterrupt(), Exit.INTERRUPTED),
    ],
)
def test_the_worse_wins(outcomes: tuple[Outcome, ...], error: BaseException | None, code: Exit) -> None:
    results = OrderResults()
    if error is None:
        results.add_report(report(*outcomes).results)
    else:
        results.add_error(carrying(error, *outcomes))
    assert results.exit_code is code


def test_an_unresolved_call_leaves_its_report() -> None:
    results = OrderResults()
    results.add_error(CancelUnresolved("batch_cancel", report(Outcome.CANCELED, Outcome.UNKNOWN)))
    assert summary(results) == "1 canceled, 1 unknown"
    assert results.exit_code is Exit.UNRESOLVED


def test_an_interrupt_without_a_report_is_in_doubt() -> None:
    """Nothing shows that the cancel was not sent."""
    results = OrderResults()
    results.add_plan(Plan(orders=(order("1"),), unlisted=(B,)))
    results.add_error(KeyboardInterrupt(), (A, B))
    assert summary(results) == "2 unknown"
    assert results.exit_code is Exit.UNRESOLVED


def test_an_order_without_an_attempt_was_not_sent() -> None:
    results = OrderResults()
    results.add_plan(Plan(orders=(order("1"), order("2"))))
    assert summary(results) == "2 waiting"
    results.add_report(report(Outcome.CANCELED).results)
    results.close()
    assert summary(results) == "1 canceled, 1 not_sent"
    assert results.exit_code is Exit.OPEN


def test_a_proof_by_the_balance_drops_earlier_errors() -> None:
    """Except for an order without proof of its own final state."""
    results = OrderResults()
    results.add_error(carrying(ccxt.RequestTimeout("x"), Outcome.UNKNOWN))
    results.add_report([result("1", Outcome.CANCELED)])
    assert results.exit_code is Exit.UNRESOLVED
    results.clear_errors()
    assert results.exit_code is Exit.DONE
    results.add_report([result("2", Outcome.UNKNOWN)])
    results.clear_errors()
    assert results.exit_code is Exit.UNRESOLVED


def test_an_order_has_one_result_by_whichever_id_it_was_named() -> None:
    """Named by its client order id, then reported with its id; the attributes from the plan are kept."""
    results = OrderResults()
    results.add_plan(Plan(orders=(order("1", "a", side="buy", price=5.0),), unlisted=(B,)))
    results.add_report([result("1", Outcome.NOT_SENT), result("2", Outcome.FILLED, "b")])
    first, second = results
    assert (first.id, first.client_order_id, first.side, first.price) == ("1", "a", "buy", 5.0)
    assert (second.id, second.client_order_id, second.outcome) == ("2", "b", Outcome.FILLED)


def test_a_command_names_the_orders_without_a_proven_end() -> None:
    results = OrderResults()
    assert naming_command(results) is None
    results.add_report(
        [result("1", Outcome.CANCELED), result("2", Outcome.UNKNOWN), result(None, Outcome.UNKNOWN, "b")]
    )
    assert naming_command(results) == "bitget-margin cancel --id 2 --client-id b --symbol BTC/USDT"
    account = " --config 'my bot/config.json'"
    assert naming_command(results, account) == f"bitget-margin cancel{account} --id 2 --client-id b --symbol BTC/USDT"
    elsewhere = [replace(result(str(i), Outcome.UNKNOWN), symbol=f"A{i}/USDT") for i in range(20, 31)]
    results.add_report(elsewhere)
    command = naming_command(results)
    assert command is not None
    assert "--symbol" not in command
    assert command.endswith("--id 27 (and 3 more; --json lists all)")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"side": "buy"}, "Nothing was canceled: 1 is open, and --side excludes it."),
        ({"side": "buy", "prefixes": ("k",)}, "Nothing was canceled: 1 is open, and --prefix or --side excludes it."),
        ({"older_than_ms": 1}, "Nothing was canceled: 1 is open, and --older-than excludes it."),
    ],
)
def test_an_order_that_an_option_excludes_is_not_called_nothing(options: Any, line: str) -> None:
    plan, results = Plan(filtered_out=(A,)), OrderResults()
    results.add_plan(plan)
    assert _ending(plan, Selection(names=(A,), **options), results) == line


def test_what_else_has_become_of_named_orders_is_counted_beside_it() -> None:
    plan, results = Plan(filtered_out=(A, B), ended=((B, order("3", status="canceled")),)), OrderResults()
    results.add_plan(plan)
    line = _ending(plan, Selection(names=(A, B), symbols=(BTC,)), results)
    assert line == ("Nothing was canceled: 2 are open, and --symbol excludes them. In all: 1 canceled, 2 open.")


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan(unlisted=(A,)), "1 named and not among the open orders; it is canceled by id all the same: 1"),
        (Plan(unlisted=(A, B)), "2 named and not among the open orders; they are canceled by id all the same: 1, b"),
        (Plan(filtered_out=(A,)), "1 named, open, and not canceled: another option excludes it: 1"),
        (Plan(pending_symbols=(BTC,)), "1 symbol could have them, and is listed as it is canceled: BTC/USDT"),
        (
            Plan(pending_symbols=(BTC, "A/B")),
            "2 symbols could have them, and are listed as they are canceled: BTC/USDT, A/B",
        ),
    ],
)
def test_one_order_is_not_spoken_of_as_several(plan: Plan, line: str) -> None:
    console = Console(width=200)
    with console.capture() as shown:
        display.show_plan(console, plan, "label")
    assert line in shown.get().splitlines()


def test_no_signal_changes_the_code_of_bad_usage_once_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with signals.handlers_kept():
        errors.BadUsage("nothing is chosen").show()
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN] * 3
    assert [signal.getsignal(number) for number in numbers] == before
    assert capsys.readouterr().err == "Error: nothing is chosen\n"


def test_a_plan_has_the_results_that_need_no_cancel() -> None:
    """Ended, not found and filtered out; only the first one is an end, also by a rejection at entry."""
    results = OrderResults()
    results.add_plan(Plan(ended=((A, order("1", status="closed", filled=2.0)), (B, order("2", status="rejected")))))
    assert (results.exit_code, summary(results)) == (Exit.DONE, "1 canceled, 1 filled")
    for plan in (Plan(not_found=(B,)), Plan(filtered_out=(B,))):
        other = OrderResults()
        other.add_plan(plan)
        assert other.exit_code is Exit.OPEN


def test_the_work_is_one_batch_for_each_symbol() -> None:
    eth = order("3", symbol="ETH/USDT")
    plan = Plan(orders=(order("1"), eth, order("2")), unlisted=(B,), pending_symbols=("SOL/USDT",))
    assert [(batch.symbol, [name.value for name in batch.names], batch.listed) for batch in batches(plan)] == [
        (BTC, ["1", "2", "b"], True),
        ("ETH/USDT", ["3"], True),
        ("SOL/USDT", [], False),
    ]


@pytest.mark.parametrize(("error", "asked"), [(denied(), 1), (late(), 2), (ccxt.RequestTimeout("x"), 2)])
def test_a_symbol_that_fails_leaves_the_others_their_turn_and_refused_keys_do_not(error: Exception, asked: int) -> None:
    calls = []

    def batch_cancel(*named: object) -> None:
        calls.append(named)
        raise error

    connection: Any = SimpleNamespace(exchange=SimpleNamespace(batch_cancel=batch_cancel), timeout_ms=500)
    results, plan = OrderResults(), Plan(orders=(order("1"), order("3", symbol="ETH/USDT")))
    results.add_plan(plan)
    execute(connection, plan, results, lambda *_: None)
    assert len(calls) == asked
    assert summary(results) == "2 not_sent"


def table_of(width: int, listed: list[Any]) -> list[str]:
    """Return the lines of a table of orders on a terminal of this width."""
    written = io.StringIO()
    display.show_orders(Console(file=written, width=width), listed, 9e8, "orders")
    return written.getvalue().splitlines()


def test_a_table_of_orders_has_both_ids_whole_at_any_width() -> None:
    """The bot is left out first, since the client order id shows it; then an order takes two lines."""
    of_bot = order("1179542168995600005", "k3x9ab12-41-9f03c2d1-0", side="buy", price=50_000.25, amount=0.0123)
    longest = order("1179542168995600006", "a" * 32, symbol="1000SATS/USDT", price=0.00001234, amount=12345678.9)
    for width, lines, bot in ((80, 2, False), (100, 1, False), (130, 1, True)):
        shown = table_of(width, [of_bot])
        assert max(map(len, shown)) <= width
        assert len(shown) == 4 + 2 * lines
        assert ("trade 41, rung 1" in "".join(shown)) is bot
        assert {"1179542168995600005", "k3x9ab12-41-9f03c2d1-0"} < set(" ".join(shown).split())
    shown = table_of(80, [of_bot, longest])
    assert max(map(len, shown)) <= 80
    assert {"1179542168995600006", "a" * 32, "1.234e-05", "12345678.9"} < set(" ".join(shown).split())


def plain_words(shown: RenderableType, width: int) -> set[str]:
    """Return the words of something as a terminal of this width shows it."""
    written = io.StringIO()
    Console(file=written, width=width, highlight=False).print(shown)
    assert max(map(len, written.getvalue().splitlines())) <= width
    return {word.rstrip(",") for word in written.getvalue().split()}


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 250])
def test_no_number_no_id_and_no_reason_is_cut_at_any_width(width: int) -> None:
    """`270` of `2700` would be a false number."""
    priced = {"side": "buy", "price": 61234.56, "amount": 0.123456, "filled": 0.0421}
    listed = [order("11795421689956000", symbol="BTC/USDT", timestamp=1, remaining=0.25, **priced)]
    console, results = Console(width=width), OrderResults()
    results.add_waiting(listed)
    results.add_report([replace(result("11795421689956000", Outcome.OPEN), reason="Cancel order error: 54321")])
    numbers = {"BTC/USDT", "buy", "61234.56"}
    of_one = numbers | {"0.123456", "0.0421", "11795421689956000"}
    outcomes = plain_words(display.outcome_table(console, results), width)
    assert outcomes >= of_one | {"open", "Cancel", "order", "error:", "54321"}
    assert not outcomes & {"0.12", "612", "…"}
    with console.capture() as shown:
        display.show_orders(console, listed, 9e8, "orders")
    assert {word.rstrip(",") for word in shown.get().split()} >= of_one
    many = [order(str(i), timestamp=1, remaining=0.25, **priced) for i in range(display.FEW + 1)]
    with console.capture() as shown:
        display.show_plan(console, Plan(orders=tuple(many), frozen={}), "label")
    assert {word.rstrip(",") for word in shown.get().split()} >= numbers | {"26", "6.5"}


def test_a_symbol_with_a_blank_is_whole_at_any_width() -> None:
    results = OrderResults()
    results.add_waiting(
        [order("11795421689956000", symbol="Jade Protocol/USDT", side="sell", price=2700.5, amount=1.0)]
    )
    for width in range(20, 110):
        words = plain_words(display.outcome_table(Console(width=width), results), width)
        assert words >= {"Jade", "Protocol/USDT", "2700.5", "11795421689956000", "waiting"}, width
        assert "reason" not in words


@pytest.mark.parametrize("width", [80, 90, 95, 100])
def test_the_reason_of_an_outcome_stands_on_a_line_of_its_own_in_a_narrow_terminal(width: int) -> None:
    reason = "Cancel order error, try it again"
    results = OrderResults()
    results.add_plan(Plan(orders=(order("1179542168995600011", side="buy", price=61234.56, amount=0.123456),)))
    results.add_report([replace(result("1179542168995600011", Outcome.OPEN), reason=reason)])
    console = Console(width=width)
    with console.capture() as shown:
        console.print(display.outcome_table(console, results))
    assert reason in [line.strip() for line in shown.get().splitlines()]


def test_without_a_terminal_an_order_is_one_line() -> None:
    longest = order(
        "1179542168995600006", "k3x9ab12-123456-9f03c2d1-49", symbol="Jade Protocol/USDT", price=1.234567e-05
    )
    (line,) = [line for line in table_of(display.console(on_stderr=False).width, [longest]) if "Jade" in line]
    assert line.rstrip().endswith("k3x9ab12, trade 123456, rung 50")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (denied(), "the venue refuses these keys (40014 its words): check BITGET_API_KEY"),
        (late(), "the venue does not answer (40010 its words)"),
        (ccxt.RequestTimeout("too late"), "the venue does not answer (RequestTimeout: too late)"),
        (expired(), "the venue refuses the timestamp (40008 its words): set the clock of this machine right"),
        (ccxt.BadSymbol("no such"), "the venue refuses (no such)"),
        (
            ccxt.ExchangeNotAvailable(f"502 {PAGE}"),
            '(ExchangeNotAvailable: 502 the page "502 Bad Gateway")',
        ),
        (CancelUnresolved("batch_cancel", report(Outcome.UNKNOWN)), "is not resolved: 1 unknown"),
    ],
)
def test_errors_have_messages_for_people(error: BaseException, words: str) -> None:
    message = errors.message(error)
    assert words in message
    assert "<" not in message
    assert "report_of" not in message
