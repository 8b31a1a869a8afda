"""What docs/mocks.md promises is done: its example runs as a new user would run it, its tables are complete."""

from __future__ import annotations

import ast
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# A run in this process forgets what it imported, and compiled modules do not bear a second import.
import conformance.mocks.respx_router  # noqa: F401 - as above
from conformance.contract.contract import load_contract
from conformance.mocks import KlarnaMock, mount
from conformance.mocks.order_mock import OrderMock
from conformance.mocks.resources import RESOURCES
from conformance.mocks.rule import Mishap

PAGE = (Path(__file__).parents[2] / "docs" / "mocks.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {text.split("\n", 1)[0].removeprefix("# "): text for text in SNIPPETS if text.startswith("# ")}
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "conformance.pytest_plugin")


def test_the_example_passes_with_the_network_blocked(pytester: pytest.Pytester) -> None:
    assert set(FILES) == {"shop.py", "test_shop.py"}
    for name, text in FILES.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.syspathinsert()
    outcome = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "--block-network")
    assert outcome.parseoutcomes() == {"passed": 2}


def test_a_test_has_ten_lines_at_most() -> None:
    tree = ast.parse(FILES["test_shop.py"])
    assert all((node.end_lineno or 0) - node.lineno < 10 for node in tree.body)


def test_the_example_goes_red_with_a_client_that_sends_no_key(pytester: pytest.Pytester) -> None:
    careless = FILES["shop.py"].replace(", headers=headers", "")
    assert careless != FILES["shop.py"]
    (pytester.path / "shop.py").write_text(careless, encoding="utf-8")
    (pytester.path / "test_shop.py").write_text(FILES["test_shop.py"], encoding="utf-8")
    pytester.syspathinsert()
    outcome = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider")
    assert outcome.parseoutcomes() == {"passed": 1, "failed": 1}
    outcome.stdout.fnmatch_lines(["*does not hold: captured 2 times, not once: 4000 (no key), 4000 (no key)*"])


def test_the_other_snippet_runs() -> None:
    (snippet,) = [text for text in SNIPPETS if not text.startswith("# ")]
    exec(compile(snippet, "docs/mocks.md", "exec"), {})  # noqa: S102 - our own page


def test_every_name_is_on_the_page() -> None:
    for names in RESOURCES.values():
        assert all(f"`{name}`" in PAGE for name in names)
    for method in ("fails", "answers", "returns", "after", "once", "times", "always", "clear", *Mishap):
        assert f".{method}(" in PAGE
    for name in vars(OrderMock):
        if not name.startswith("_"):
            assert re.search(rf"[`.]{name}\b", PAGE), name


def test_every_code_on_the_page_is_documented() -> None:
    codes = {row.code for row in load_contract().errors.rows}
    said = set(re.findall(r'fails\("([A-Z_]+)"', PAGE))
    assert said
    assert said <= codes


def test_the_host_can_be_chosen_by_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def klarna_base_url():
            return "https://api.klarna.com"
        """
    )
    pytester.makepyfile("def test_it(klarna):\n    assert klarna.base_url == 'https://api.klarna.com'")
    outcome = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider")
    assert outcome.parseoutcomes() == {"passed": 1}


def test_the_fixture_verifies(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(klarna):\n    klarna.orders.get.fails('NO_SUCH_ORDER')")
    outcome = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider")
    assert outcome.parseoutcomes() == {"passed": 1, "errors": 1}
    outcome.stdout.fnmatch_lines(["*forced on getOrder and not used up: 404 NO_SUCH_ORDER (it was never asked for)*"])


def test_mocks_are_plain_functions_too() -> None:
    klarna = mount()
    assert isinstance(klarna, KlarnaMock)
    klarna.verify()
    klarna.unmount()
