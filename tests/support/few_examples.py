"""A plugin for runs of many times over, such as mutation testing: fewer examples, the same each time, the quick first.

Use it by `-p support.few_examples`; the test run proper does without.
"""

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

SHARE = 10
"""One in so many of the examples is tried."""
LEAST = 20
QUICK_FIRST = ("core", "adapter", "wire")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound the examples of every test that draws them, and let those tests come after the others of their folder."""
    drawn: set[pytest.Item] = set()
    for item in items:
        test = getattr(item, "obj", None)
        if not is_hypothesis_test(test):
            continue
        drawn.add(item)
        machine = getattr(item, "cls", None)
        if isinstance(getattr(machine, "settings", None), settings):
            machine.settings = _few(machine.settings)
        else:
            test._hypothesis_internal_use_settings = _few(
                getattr(test, "_hypothesis_internal_use_settings", settings.default)
            )
    items.sort(key=lambda item: (_place(item), item in drawn))


def _few(full: settings) -> settings:
    return settings(
        full,
        max_examples=max(LEAST, full.max_examples // SHARE),
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _place(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return QUICK_FIRST.index(folder) if folder in QUICK_FIRST else len(QUICK_FIRST)
