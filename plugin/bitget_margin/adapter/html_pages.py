"""HTML pages in error texts: a gateway answers with a page, of which only the title is for people."""

import re
from typing import Final

_PAGE: Final = re.compile(r"<(?:!doctype|html|head|title|body)\b.*", re.IGNORECASE | re.DOTALL)
_TITLE: Final = re.compile(r"<title\b[^>]*>\s*([^<]+?)\s*(?:<|$)", re.IGNORECASE)


def without_markup(text: str) -> str:
    """Return a text in which a page, which goes on to its end, is replaced by its title."""
    page = _PAGE.search(text)
    if page is None:
        return text
    title = _TITLE.search(page[0])
    shown = "an HTML page" if title is None else f'the page "{" ".join(title[1].split())}"'
    return text[: page.start()] + shown
