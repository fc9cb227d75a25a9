"""Each private part of pytest that is leaned on does on this pytest what we take it to do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_velo
from pytest_velo.integration import compat as private
from pytest_velo.integration.fixtures import concerns_us


@pytest.fixture
def own():
    """A fixture of this module, for the closures below."""
    return "own"


def test_hazard_24_no_other_module_knows_private_parts_of_pytest():
    package = Path(pytest_velo.__file__).parent
    knowing = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] == "_pytest" for name in names):
                knowing.add(path.relative_to(package).as_posix())
    assert knowing == {"integration/compat.py"}


def test_the_fixture_closure_of_an_item(request, own):
    info = private.fixture_info(request.node)
    assert {"request", "own"} <= set(info.argnames)
    assert set(info.argnames) <= set(info.names_closure)
    definition = info.name2fixturedefs["own"][-1]
    assert definition.func.__module__ == __name__
    assert definition.scope == "function"
    assert definition.argnames == ()


@pytest.mark.parametrize("word", ["yes"])
def test_a_value_of_parametrize_is_told_from_a_fixture(request, word, own):
    definitions = private.fixture_info(request.node).name2fixturedefs
    assert private.is_parameter(definitions["word"][-1])
    assert not private.is_parameter(definitions["own"][-1])


def test_the_closure_is_there_while_tests_are_generated(pytester):
    pytester.makeconftest(
        """
        from pytest_velo.integration import compat as private

        def pytest_generate_tests(metafunc):
            assert "number" in private.fixture_info(metafunc.definition).names_closure
            metafunc.parametrize("number", [1, 2])
        """
    )
    pytester.makepyfile("def test_it(number): assert number")
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_the_marks_of_every_item_are_known_when_parameters_are(pytester):
    pytester.makeconftest(
        """
        import pytest
        from pytest_velo.integration import compat as private

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_generate_tests(metafunc):
            returned = yield
            marks = [[mark.name for mark in marks] for marks in private.marks_of_calls(metafunc)]
            print(metafunc.function.__name__, marks)
            return returned
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.skip)])
        def number(request): return request.param

        @pytest.mark.parametrize("word", ["a", pytest.param("b", marks=pytest.mark.xfail)])
        def test_many(word, number): pass

        def test_one(): pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-s", "--collect-only", "-q", "-k", "test_one")
    result.stdout.fnmatch_lines(
        ["test_many [[][[]], [[]'xfail'], [[]'skip'], [[]'skip', 'xfail']]", "test_one [[][[]]]"]
    )


def test_a_test_of_nobody_does_not_concern_us(request):
    assert not concerns_us(request.node)


def test_a_mark_or_a_fixture_of_ours_concerns_us(pytester):
    marked, asking, plain = pytester.getitems(
        "import pytest\n"
        "from pytest_velo import rate\n"
        "@pytest.mark.hypothesis(rate >= 0.5)\ndef test_marked(): assert True\n"
        "@pytest.fixture\ndef model(): pass\n"
        "def test_asking(model): pass\n"
        "def test_plain(): pass\n"
    )
    assert [concerns_us(item) for item in (marked, asking, plain)] == [True, True, False]


@pytest.mark.parametrize(
    ("expression", "marks", "holds"),
    [
        ("velo", {"velo"}, True),
        ("velo", set(), False),
        ("not velo", {"velo"}, False),
        ("slow or not velo", {"velo"}, False),
        ("velocity", {"velo"}, False),
        ("velo and hypothesis", {"velo", "hypothesis"}, True),
        ("hypothesis(tier='pr')", {"hypothesis"}, False),
        ("velo and", {"velo"}, False),
        ("", {"velo"}, False),
    ],
)
def test_a_mark_expression_is_evaluated_as_pytest_would(expression, marks, holds):
    assert private.mark_expression_holds(expression, marks) is holds


@pytest.mark.parametrize(("marks", "holds"), [({"hypothesis"}, True), ({"velo"}, False), (set(), False)])
def test_keywords_of_a_mark_may_be_taken_to_hold(marks, holds):
    assert private.mark_expression_holds("hypothesis(tier='pr')", marks, whatever_keywords=True) is holds


def explanation() -> str:
    """Return the message of a comparison that fails here."""
    left, right = {"word": "yes"}, {"word": "no"}
    with pytest.raises(AssertionError) as raised:
        assert left == right
    return str(raised.value)


def test_explanations_of_failed_comparisons_can_be_spared():
    assert "Differing items" in explanation()
    with private.sparing_explanations(lambda: False):
        spared = explanation()
    with private.sparing_explanations(lambda: True):
        wanted = explanation()
    assert "Differing items" not in spared
    assert "{'word': 'yes'} == {'word': 'no'}" in spared
    assert "Differing items" in wanted
    assert "Differing items" in explanation()  # put back


def test_explanations_are_put_back_after_an_error():
    with pytest.raises(ZeroDivisionError), private.sparing_explanations(lambda: False):
        1 / 0  # noqa: B018
    assert "Differing items" in explanation()


def test_without_explanations_nothing_is_spared(monkeypatch):
    from _pytest.assertion import util

    monkeypatch.setattr(util, "_reprcompare", None)
    with private.sparing_explanations(lambda: True):
        assert util._reprcompare is None
    assert util._reprcompare is None


def test_the_terminal_reporter_writes_over_its_line(pytester):
    pytester.makeconftest(
        """
        from pytest_velo.integration import compat as private

        def pytest_terminal_summary(terminalreporter, config):
            reporter = private.terminal_reporter(config)
            assert reporter is terminalreporter
            assert not reporter.isatty
            assert private.width_of(reporter) > 0
            assert private.encoding_of(reporter) == reporter._tw._file.encoding
            reporter.ensure_newline()
            reporter.rewrite("a line", erase=True)
            reporter.flush()
            reporter.write_line(" and its end", yellow=True)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["a line* and its end"])


def test_there_may_be_no_terminal_reporter(pytester):
    pytester.makeconftest(
        """
        from pytest_velo.integration import compat as private

        def pytest_sessionfinish(session):
            assert private.terminal_reporter(session.config) is None
            session.exitstatus = 7
        """
    )
    assert pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:terminal").ret == 7


@pytest.mark.parametrize(("option", "n"), [("--capture=fd", 2), ("--capture=sys", 2), ("--capture=no", 0)])
def test_the_captures_put_their_streams_in_place(pytester, option, n):
    pytester.makeconftest(
        f"""
        import sys
        from pytest_velo.integration import compat as private

        def pytest_runtest_call(item):
            found = private.captures(item.config)
            assert len(found) == {n}
            for capture in found:
                assert getattr(sys, capture.name) is capture.tmpfile
                assert capture._old is not capture.tmpfile
        """
    )
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_inprocess("-p", "no:randomly", option).assert_outcomes(passed=1)


def test_comparisons_are_explained_as_at_the_item(pytester):
    pytester.makepyfile(
        """
        from pytest_velo.integration import compat as private

        def test_it(request):
            here = private.comparison_hook()
            assert here("==", {"a": 1}, {"a": 2}) is not None
            there = private.comparison_hook_of(request.node)
            assert there("==", {"a": 1}, {"a": 2}) == here("==", {"a": 1}, {"a": 2})
            assert private.comparison_hook() is here, "it was only looked at"
            private.set_comparison_hook(None)
            assert private.comparison_hook() is None
            private.set_comparison_hook(here)
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_the_log_handlers_catch_what_is_logged(pytester):
    pytester.makepyfile(
        """
        import logging
        from pytest_velo.integration import compat as private

        def test_it(request, caplog):
            handlers = private.log_handlers(request.config)
            assert len(handlers) == 2
            logging.getLogger("x").warning("seen")
            assert all("seen" in [r.getMessage() for r in h.records] for h in handlers)
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_hooks_of_a_conftest_are_seen_where_they_reach(pytester):
    pytester.makepyfile(**{"a/test_a": "def test_a(): pass", "b/test_b": "def test_b(): pass"})
    (pytester.path / "a" / "conftest.py").write_text("def pytest_runtest_setup(item): pass")
    pytester.makeconftest(
        """
        from pytest_velo.integration import compat as private

        def pytest_collection_modifyitems(items):
            seen = {item.name: private.hooks_of_conftests(item, "pytest_runtest_setup") for item in items}
            assert seen == {"test_a": True, "test_b": False}
            assert not any(private.hooks_of_conftests(item, "pytest_runtest_call") for item in items)
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_the_root_and_the_ini_file_are_found_from_below(tmp_path, monkeypatch):
    (tmp_path / "tox.ini").write_text("[pytest]\nvelo_seed = 7\n")
    (below := tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(below)
    root, file, options = private.located([], ini_file=None, root=None, overrides=["velo_seed=8"])
    assert (root, file, options["velo_seed"]) == (tmp_path, tmp_path / "tox.ini", "8")


def test_the_installed_plugin_of_a_fixture(request, own, unused_tcp_port):
    info = private.fixture_info(request.node)
    assert private.plugin_of(request.config, info.name2fixturedefs["own"][-1]) is None
    of_a_plugin = info.name2fixturedefs["unused_tcp_port"][-1]
    assert private.plugin_of(request.config, of_a_plugin) == "pytest-asyncio"


def test_the_line_that_pytest_is_in_and_the_way_past_the_capture(pytester):
    pytester.makepyfile(
        """
        from pytest_velo.integration import compat as private

        def test_it(pytestconfig):
            reporter = private.terminal_reporter(pytestconfig)
            assert private.line_of(reporter).endswith("test_it ")
            stream = private.uncaptured(pytestconfig, reporter)
            stream.write("past the capture")
            stream.flush()
            stream.close()
        """
    )
    for captured in ("fd", "sys", "no"):
        result = pytester.runpytest_inprocess("-v", f"--capture={captured}", "-p", "no:randomly")
        result.assert_outcomes(passed=1)
        assert "past the capture" in result.stdout.str()
