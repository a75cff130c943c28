"""A page in an error is replaced by its title, cut or not; other texts stay as they are."""

import ccxt
import pytest

from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.html_pages import without_markup


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("503 <html><head><title>503 Service Unavailable</title></head>…", '503 the page "503 Service Unavailable"'),
        ("<!DOCTYPE html>\n<html lang=en>\n<TITLE id=x>\n Just a\n moment... </TITLE>", 'the page "Just a moment..."'),
        ("cut: <html><head><title>503 Service Tempor", 'cut: the page "503 Service Tempor"'),
        ("cut: <html><head><tit", "cut: an HTML page"),
        ("<html><title></title>", "an HTML page"),
        ("amount < 5 and price > 3 <headroom>", "amount < 5 and price > 3 <headroom>"),
        ("", ""),
    ],
)
def test_a_page_becomes_its_title(text: str, shown: str) -> None:
    assert without_markup(text) == shown


def test_a_response_that_cannot_be_read_quotes_no_markup() -> None:
    error = documented("fetch_time()", ValueError("<html><head><title>Sorry</title>"))
    assert str(error) == 'fetch_time(): the response cannot be read: ValueError: the page "Sorry"'
    assert isinstance(error, ccxt.BadResponse)
