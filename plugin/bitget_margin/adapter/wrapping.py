"""Methods of a class, or coroutines, that run within a context."""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

Context: TypeAlias = Callable[[tuple[Any, ...], Mapping[str, Any]], AbstractContextManager[None]]
"""Makes the context of a call from its arguments."""


def within(context: Context, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method, each call of which runs within a context."""

    @functools.wraps(method)
    def wrapped(*args: Any, **named: Any) -> Any:
        with context(args, named):
            return method(*args, **named)

    @functools.wraps(method)
    async def wrapped_coroutine(*args: Any, **named: Any) -> Any:
        with context(args, named):
            return await method(*args, **named)

    return wrapped_coroutine if inspect.iscoroutinefunction(method) else wrapped
