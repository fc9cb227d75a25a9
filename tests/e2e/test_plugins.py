"""Living with other plugins and with pytest's own ways of running: one test for each way to break."""

from __future__ import annotations

import os
import re
import select
import sys
import time

import pytest

SUPPORTED = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_supported(model):
    assert (await model("q")).answers("yes")
"""
REFUTED = """
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_refuted(model):
    assert (await model("q")).text == "yes"
"""
UNDECIDED = """
@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_undecided(trial):
    assert trial.index % 2
"""
ERROR = """
@pytest.mark.hypothesis(rate >= 0.5)
def test_error(trial):
    assert 1 / 0
"""
SKIPPED = """
@pytest.mark.skip(reason="not today")
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_skipped(model):
    assert (await model("q")).answers("yes")
"""
EXPECTED = """
@pytest.mark.xfail(reason="known")
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_expected(model):
    assert (await model("q")).answers("yes")
"""
PLAIN = "def test_plain(): assert True\n"
ALL = SUPPORTED + REFUTED + UNDECIDED + ERROR + SKIPPED + EXPECTED + PLAIN
TALLY = {"passed": 2, "failed": 1, "inconclusive": 1, "errors": 1, "skipped": 1, "xfailed": 1}


def tally(result: pytest.RunResult) -> dict[str, int]:
    """What the last line counts, without warnings that other plugins give."""
    return {word: number for word, number in result.parseoutcomes().items() if word != "warnings"}


def outcomes(run) -> dict[str, str]:
    """The outcome of each hypothesis of the latest run, by its test's name."""
    return {result.node_id.rpartition("::")[2]: result.outcome.value for result in run.record.results}


OUTCOMES = {
    "test_supported": "supported",
    "test_refuted": "refuted",
    "test_undecided": "inconclusive",
    "test_error": "error",
    "test_expected": "refuted",
}


@pytest.mark.processes
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-n", "0"),
        ("-p", "no:cacheprovider"),
        ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist", "-p", "no:timeout"),
        ("--import-mode=importlib",),
        ("--import-mode=prepend",),
        ("-s",),
        ("--capture=sys",),
        ("--tb=no", "-q"),
        ("--assert=plain",),
    ],
    ids=" ".join,
)
def test_every_kind_of_outcome_is_the_same_however_pytest_is_run(run, options):
    run.file(ALL)
    result = run(*options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert tally(result) == TALLY
    assert outcomes(run) == OUTCOMES


def test_without_a_terminal_the_exit_code_and_the_record_tell(run):
    run.file(ALL)
    result = run("-p", "no:terminal")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str() == ""
    assert outcomes(run) == OUTCOMES


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_warnings_as_errors_find_none_of_ours(run, options):
    run.file(SUPPORTED + REFUTED + UNDECIDED + PLAIN)
    result = run.apart("-W", "error", *options)
    assert tally(result) == {"passed": 2, "failed": 1, "inconclusive": 1}
    assert "Warning" not in result.stdout.str() + result.stderr.str()


def test_a_random_order_changes_no_draw_and_no_verdict(run, pytester):
    pytest.importorskip("pytest_randomly", reason="pytest-randomly is not installed")
    coin = "COIN = scripted('coin', ['yes', 'yes', 'no'])\n"
    run.file(
        coin + "".join(SUPPORTED.replace("YES", "COIN").replace("_supported", f"_{n}") for n in range(4))
    )
    orders, kinds = set(), []
    for seed in ("1", "2", "3"):
        pytester.runpytest_inprocess(f"--randomly-seed={seed}", "-W", "ignore")  # `run` keeps the order
        results = run.record.results
        assert len(results) == 4
        orders.add(tuple(result.node_id for result in results))
        kinds.append({result.node_id: [trial.kind for trial in result.trials] for result in results})
    assert len(orders) > 1
    assert kinds[0] == kinds[1] == kinds[2]


def test_reruns_of_a_refuted_hypothesis_replay_its_draws_for_free(run, lab):
    lab.share = 0.0
    run.file(REFUTED.replace("[NO]", "['lab/tiny']"))
    once = run("-m", "velo")
    once.assert_outcomes(failed=1)
    (run.path / ".pytest_velo" / "draws.sqlite").unlink()
    lab.calls.clear()
    again = run("-m", "velo", "--reruns", "2")
    assert again.parseoutcomes() == {"failed": 1, "rerun": 2}
    assert len({call["seed"] for call in lab.calls}) == len(lab.calls), "no draw is made twice"
    assert run.record["test_refuted"].n_calls == run.record["test_refuted"].n_cached
    assert again.ret == pytest.ExitCode.TESTS_FAILED


ASYNC_FIXTURE = """
{decorator}
async def word():
    return "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_supported(model, word):
    assert (await model("q")).answers(word)

@pytest.mark.asyncio
async def test_theirs():
    assert True
"""


@pytest.mark.parametrize(
    ("mode", "decorator"),
    [
        ("strict", "import pytest_asyncio\n@pytest_asyncio.fixture"),
        ("auto", "@pytest.fixture"),
        ("auto", "import pytest_asyncio\n@pytest_asyncio.fixture(scope='module', loop_scope='module')"),
    ],
)
def test_async_bodies_and_fixtures_under_pytest_asyncio(run, mode, decorator):
    run.file(ASYNC_FIXTURE.format(decorator=decorator))
    result = run("-o", f"asyncio_mode={mode}", "-p", "no:anyio")
    result.assert_outcomes(passed=2)
    assert outcomes(run) == {"test_supported": "supported"}


@pytest.mark.parametrize("mark", ["asyncio", "anyio"])
@pytest.mark.parametrize("place", ["@{}", "pytestmark = {}\n"], ids=["function", "module"])
def test_hazard_15_the_mark_of_another_async_plugin_changes_nothing(run, place, mark):
    run.file(place.format(f"pytest.mark.{mark}") + SUPPORTED)
    run().assert_outcomes(passed=1)
    assert outcomes(run) == {"test_supported": "supported"}


def test_hazard_15_anyios_auto_mode_makes_one_item_of_a_hypothesis(run):
    run.file(SUPPORTED + "async def test_theirs(): assert True\n")
    listed = run("-o", "anyio_mode=auto", "-p", "no:asyncio", "--collect-only", "-q").stdout
    listed.fnmatch_lines(["test_it.py::test_supported"])
    listed.no_fnmatch_line("test_it.py::test_supported[[]*")
    result = run("-o", "anyio_mode=auto", "-p", "no:asyncio", "-k", "supported")
    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])
    assert outcomes(run) == {"test_supported": "supported"}


@pytest.mark.parametrize(
    "options",
    [("-o", "asyncio_mode=auto", "-o", "anyio_mode=auto"), ("-o", "asyncio_mode=auto"), ()],
    ids=["both in auto mode", "asyncio in auto mode", "as they come"],
)
def test_hazard_15_a_class_of_async_bodies_beside_all_async_plugins(run, options):
    run.file(
        "class TestIt:\n"
        "    @pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "    async def test_supported(self, model):\n"
        "        assert (await model('q')).answers('yes')\n"
    )
    run(*options).assert_outcomes(passed=1)
    assert outcomes(run) == {"test_supported": "supported"}


def test_hazard_18_a_failed_comparison_shows_its_difference(run):
    run.file(
        "LIST = scripted('list', ['apple pear plum'])\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[LIST])\n"
        "async def test_h(model):\n"
        "    words = (await model('q')).text.split()\n"
        "    assert words == ['apple', 'pear', 'fig']\n"
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*At index 2 diff: 'plum' != 'fig'*"])


def test_hazard_18_explanations_are_built_for_the_shown_trials_only(run):
    run.file(
        "from pathlib import Path\n"
        "class Counting(str):\n"
        "    def __repr__(self):\n"
        "        with Path('explained').open('a') as file: file.write('.')\n"
        "        return str.__repr__(self)\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[NO], min_trials=100, max_trials=200)\n"
        "async def test_h(model):\n"
        "    assert [Counting((await model('q')).text)] == [Counting('yes')]\n"
    )
    run.path.joinpath("conftest.py").write_text(
        "from pathlib import Path\n"
        "def pytest_assertrepr_compare(op, left, right):\n"
        "    with Path('compared').open('a') as file: file.write('.')\n"
    )
    run("--velo-show=2").assert_outcomes(failed=1)
    assert len(run.record["test_h"].trials) >= 100
    assert 2 <= len((run.path / "compared").read_text()) <= 2 + 20  # those shown, and those in flight then


def test_hazard_18_a_plain_tests_explanation_after_ours_is_untouched(run):
    run.file(REFUTED + "def test_plain(): assert {'a': 1} == {'a': 2}\n")
    result = run()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*Differing items:*"])


DEBUGGED = """
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_h(model, trial):
    marker = f"trial number {trial.index}"
    reply = await model("q")
    assert reply.text == "yes"
"""


def feed(run, text: str, *options: str) -> tuple[int, str]:
    """Run in a process of its own whose standard input says `text`."""
    process = run.start("-p", "no:randomly", *options, stdin=-1)
    output, _ = process.communicate(text, timeout=500)
    return process.returncode, output


@pytest.mark.processes
def test_hazard_19_pdb_opens_on_the_trials_own_exception(run):
    run.file(DEBUGGED)
    status, output = feed(run, "p marker\np reply.text\nc\n", "--pdb")
    assert "assert reply.text ==" in output
    assert "'trial number " in output
    assert "'no'" in output
    assert status == pytest.ExitCode.TESTS_FAILED
    assert run.record["test_h"].n_in_flight_max == 1


@pytest.mark.processes
def test_hazard_19_pdb_opens_on_a_body_that_crashes(run):
    run.file(DEBUGGED.replace("assert reply.text", "assert reply.nonsense"))
    status, output = feed(run, "p marker\nc\n", "--pdb")
    assert "'trial number 0'" in output
    assert status == pytest.ExitCode.TESTS_FAILED


@pytest.mark.processes
def test_hazard_19_trace_takes_one_trial_at_a_time(run):
    run.file(SUPPORTED + PLAIN)
    status, output = feed(run, "c\n" * 50, "--trace")
    assert status == 0, output
    assert run.record["test_supported"].n_in_flight_max == 1
    assert "Traceback" not in output


def test_hazard_22_the_short_summary_lists_every_outcome(run):
    run.file(ALL)
    result = run("-rA")
    shown = result.stdout.str()
    for line in (
        "SUPPORTED test_it.py::test_supported",
        "REFUTED test_it.py::test_refuted",
        "ERROR test_it.py::test_error",
        "SKIPPED [[]1] test_it.py:*",
        "XFAIL test_it.py::test_expected",
    ):
        result.stdout.fnmatch_lines([f"{line}*"])
    assert "inconclusive" in shown
    assert "test_undecided" in shown


def test_hazard_22_last_failed_takes_refuted_and_errors(run):
    run.file(ALL)
    run()
    again = run("--lf")
    assert tally(again) == {"failed": 1, "errors": 1}
    assert outcomes(run) == {"test_refuted": "refuted", "test_error": "error"}


def test_hazard_22_stepwise_stops_at_the_first_that_fails(run):
    run.file(SUPPORTED + REFUTED + ERROR)
    run("--sw").assert_outcomes(passed=1, failed=1)
    assert outcomes(run) == {"test_supported": "supported", "test_refuted": "refuted"}


@pytest.mark.parametrize("options", [("-x",), ("--maxfail=1",)])
def test_hazard_11_after_the_first_failure_nothing_is_sampled(run, options):
    run.file(REFUTED + SUPPORTED)
    result = run(*options)
    assert result.parseoutcomes()["failed"] == 1
    assert outcomes(run) == {"test_refuted": "refuted"}


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        (("--collect-only",), ""),
        (("--setup-only",), ""),
        (("--setup-plan",), ""),
        ((), "def broken(:\n"),
    ],
    ids=["--collect-only", "--setup-only", "--setup-plan", "a collection error elsewhere"],
)
def test_hazard_11_nothing_is_sampled_that_must_not(run, options, extra):
    run.file(
        "from pathlib import Path\n"
        "def watched(request):\n    Path('a-call-was-made').touch()\n    return 'yes'\n"
        "YES = scripted('watched', watched)\n" + SUPPORTED
    )
    if extra:
        run.file(extra, "test_broken.py")
    run(*options)
    assert not (run.path / "a-call-was-made").exists()
    assert run.n_runs == 0


def test_hazard_16_setup_of_the_users_plugins_runs_before_the_trials(run):
    run.path.joinpath("conftest.py").write_text(
        "import pytest\n"
        "ready = []\n"
        "@pytest.fixture(autouse=True, scope='session')\ndef everything(): ready.append('session')\n"
        "def pytest_runtest_setup(item): item.config.ready = ready\n"
    )
    run.file(
        "def setup_module(module): module.WORD = 'yes'\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "async def test_h(model, request):\n"
        "    assert (await model('q')).answers(WORD) and request.config.ready == ['session']\n"
    )
    run().assert_outcomes(passed=1)


PROVIDER = """
from pytest_velo import Reply

class Parrot:
    def __init__(self, endpoint, slots):
        assert slots >= 1
        self.name = endpoint.name

    async def complete(self, request, seed):
        return Reply(text=f"{self.name} says {request.messages[-1]['content']}", raw={"seed": seed})

    async def aclose(self):
        pass

def pytest_velo_providers():
    return {"parrot-wire": lambda endpoint, *, slots: Parrot(endpoint, slots)}
"""


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_conftest_brings_a_provider_of_its_own(run, options):
    run.path.joinpath("conftest.py").write_text(PROVIDER)
    run.ini("velo_endpoints =\n    polly: api=parrot-wire price=free")
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5, models=['polly/grey'])\n"
        "async def test_h(model):\n    assert (await model('hello')).text == 'polly says hello'\n"
    )
    run(*options).assert_outcomes(passed=1)
    assert run.record["test_h"].model == "polly/grey"


def test_a_wire_that_nobody_brings_is_refused(run):
    run.ini("velo_endpoints =\n    polly: api=parrot-wire price=free")
    run.file(PLAIN)
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*velo_endpoints in pytest.ini: endpoint polly: unknown api 'parrot-wire'", "*fix: known: *"]
    )


def on_a_terminal(run, *options: str) -> str:
    """Run with standard output on a pseudo-terminal, and return all that was written to it."""
    ours, theirs = os.openpty()
    try:
        process = run.start("-p", "no:randomly", *options, stdout=theirs, stderr=theirs, stdin=theirs)
    finally:
        os.close(theirs)
    written = b""
    deadline_s = time.monotonic() + 500
    while time.monotonic() < deadline_s and select.select([ours], [], [], 500)[0]:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    process.wait(300)
    return written.decode()


SLOW = """
SLOW = scripted('slow', ['no'], latency_s=0.02)

@pytest.mark.hypothesis(rate >= 0.5, models=[SLOW], min_trials=60)
async def test_slow(model, one_at_a_time):
    assert (await model("q")).answers("yes")

@pytest.fixture
def one_at_a_time(): pass
"""


LIVE = re.compile(r"\d of at most \d+ trials · rate ")


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("options", "live"),
    [((), True), (("-q",), False), (("-n", "2"), False)],
    ids=["plain", "quiet", "workers"],
)
def test_progress_is_live_on_a_terminal(run, options, live):
    run.file(SLOW)
    written = on_a_terminal(run, *options)
    assert "refuted" in written
    assert bool(LIVE.search(written)) is live
    assert ("\r\x1b[2K" in written) is live


@pytest.mark.processes
def test_progress_is_silent_elsewhere(run):
    run.file(SLOW)
    shown = run.apart("-p", "no:randomly").stdout.str()
    assert "refuted" in shown
    assert not LIVE.search(shown)
    assert "\x1b" not in shown


@pytest.mark.processes
def test_every_kind_of_outcome_under_two_workers_and_in_junit(run):
    run.file(ALL)
    result = run("-n", "2", "--junitxml=out.xml", "-o", "junit_family=xunit2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert tally(result) == TALLY
    assert outcomes(run) == OUTCOMES
    text = (run.path / "out.xml").read_text()
    for outcome in set(OUTCOMES.values()):
        assert f'<property name="velo_outcome" value="{outcome}"' in text


def test_durations_and_log_options_do_not_disturb(run):
    run.file("import logging\n" + SUPPORTED.replace("    assert", "    logging.warning('said')\n    assert"))
    run("--durations=3", "--log-cli-level=INFO", "-o", "log_cli=true").assert_outcomes(passed=1)
