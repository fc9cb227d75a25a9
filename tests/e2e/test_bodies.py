"""What a body may be and what its trials mean: outcomes, invalid trials, errors."""

from __future__ import annotations

import pytest


def hypothesis(
    body: str, *, kind: str = "async def", mark: str = "rate >= 0.5, models=[YES]", arguments: str = "model"
) -> str:
    return f"@pytest.mark.hypothesis({mark})\n{kind} test_h({arguments}):\n    {body}\n"


def refused(result: pytest.RunResult, *lines: str) -> None:
    """The run was refused at collection, with these lines."""
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    (result.stderr if result.ret == pytest.ExitCode.USAGE_ERROR else result.stdout).fnmatch_lines(lines)


def failed_as_error(result: pytest.RunResult, *lines: str) -> None:
    """The hypothesis ended as an error in its call, with these lines."""
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {**result.parseoutcomes(), "warnings": 0} == {"errors": 1, "warnings": 0}
    result.stdout.fnmatch_lines(lines)


@pytest.mark.parametrize(
    "body",
    [
        "assert model('q')",
        "assert 'yes' in model('q')",
        "return model('q').answers('yes')",
        "return model('q')",
        "assert str(model('q'))",
        "assert model('q') == 'yes'",
        "assert (await model('q')) and model('r')",
    ],
)
def test_a_call_that_was_not_awaited_is_an_error(run, body):
    run.file(hypothesis(body))
    failed_as_error(run(), "*await*")


def test_awaiting_the_reply_of_a_plain_body_is_a_syntax_matter_and_its_call_blocks(run):
    run.file(hypothesis("assert model('q').answers('yes')", kind="def"))
    assert run().ret == 0


def test_a_plain_body_that_returns_a_coroutine_is_an_error(run):
    run.file("async def ask(): return True\n" + hypothesis("return ask()", kind="def"))
    failed_as_error(run(), "*returned a coroutine*", "*fix: add `await` before the call*")


def test_a_call_that_was_written_and_never_used_is_an_error(run):
    run.file(hypothesis("model('q'); assert (await model('r')).answers('yes')"))
    failed_as_error(run(), "*a model call was never awaited*", "*fix: write `await model(...)`*")


def test_a_body_that_cannot_fail_is_refused(run):
    run.file(hypothesis("reply = await model('q'); reply.answers('yes')"))
    refused(run(), "*test_it.py::test_h (line *test_h can never fail*", "*fix: write `assert *")


def test_a_body_that_crashes_is_an_error_that_shows_the_trial(run):
    run.file(hypothesis("reply = await model('the question'); assert reply.nonsense"))
    failed_as_error(
        run(),
        "*AttributeError: *nonsense*",
        "*velo: the trial*",
        "*user       the question",
        "*assistant  yes",
    )
    assert run.outcomes == ["error"]


def test_a_reply_that_does_not_parse_is_an_invalid_trial(run):
    run.file(
        hypothesis(
            "reply = await model('q', schema={'type': 'object'}); assert reply.parsed['a']",
            mark="rate >= 0.5, models=[YES], max_trials=20",
        )
    )
    result = run()
    assert result.parseoutcomes() == {"inconclusive": 1}
    assert {trial.kind for trial in run.record["test_h"].trials} == {"invalid"}
    assert {trial.detail for trial in run.record["test_h"].trials} == {
        "the model's reply does not follow the schema"
    }


@pytest.mark.parametrize(
    ("setting", "outcome", "detail"),
    [
        (
            "Reply(text='')",
            "inconclusive",
            "the model's reply is empty (allow_empty=True in the call counts it)",
        ),
        (
            "Reply(text='yes', finish_reason='length')",
            "inconclusive",
            "the model's reply was cut at max_tokens or at the end of the context (give more, or"
            " allow_cut=True in the call)",
        ),
        ("Reply(text='', refused=True)", "refuted", ""),
    ],
)
def test_an_empty_or_cut_reply_is_invalid_and_a_refusal_is_an_observation(run, setting, outcome, detail):
    run.file(
        "from pytest_velo import Reply\nfrom pytest_velo.records import FinishReason\n"
        + f"def odd(request): return {setting.replace(chr(39) + 'length' + chr(39), 'FinishReason.LENGTH')}\n"
        + "ODD = scripted('odd', odd)\n"
        + hypothesis(
            "return (await model('q')).answers('yes')", mark="rate >= 0.5, models=[ODD], max_trials=20"
        )
    )
    run()
    assert run.outcomes == [outcome]
    for trial in run.record["test_h"].trials:
        assert trial.detail.startswith(detail.rstrip("*"))


@pytest.mark.parametrize(
    "give_up", ["velo.invalid('no idea')", "pytest.skip('no idea')"], ids=["velo.invalid", "pytest.skip"]
)
def test_a_body_can_declare_its_trial_invalid(run, give_up):
    run.file(
        hypothesis(
            f"if trial.index % 4 == 0: {give_up}\n    assert True",
            kind="def",
            mark="rate >= 0.5, max_trials=200",
            arguments="velo, trial",
        )
    )
    assert run().ret == 0
    kinds = [trial.kind for trial in run.record["test_h"].trials]
    assert kinds == ["invalid" if n % 4 == 0 else "one" for n in range(len(kinds))]
    assert run.record["test_h"].trials[0].detail == "no idea"


@pytest.mark.parametrize(
    ("policy", "outcome", "certified"),
    [
        ("bound", "inconclusive", None),
        ("exclude", "supported", "rate > 0.6 among valid replies"),
        ("against", "refuted", "rate < 0.6"),
    ],
)
def test_the_policy_for_invalid_trials_decides_what_they_mean(run, policy, outcome, certified):
    run.file(
        hypothesis(
            "if trial.index % 2: velo.invalid('odd')\n    assert True",
            kind="def",
            mark=f"rate >= 0.6, invalid='{policy}', max_trials=400",
            arguments="velo, trial",
        )
    )
    run()
    assert run.outcomes == [outcome]
    if certified is not None:
        assert run.record["test_h"].decision.certified == certified


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.7", "*a rate takes True or False*"),
        ("'yes'", "*the body returned a str*"),
        ("2", "*the body returned 2*"),
        ("{'asr': True}", "*the claim names none*"),
        ("await model('q')", "*the body returned a Reply*"),
    ],
)
def test_a_return_that_is_no_outcome_is_an_error(run, value, message):
    run.file(hypothesis(f"value = {value}; return value"))
    failed_as_error(run(), message, "*fix: *")


@pytest.mark.parametrize("value", ["True", "1", "numpy.True_", "numpy.int64(1)"])
def test_hazard_02_numpy_bools_and_ones_are_outcomes(run, value):
    pytest.importorskip("numpy")
    run.file("import numpy\n" + hypothesis(f"value = {value}; return value"))
    assert run().ret == 0


def test_hazard_02_none_is_an_error_where_the_body_returns_values(run):
    run.file("import re\n" + hypothesis("return re.match('no', (await model('q')).text)"))
    failed_as_error(
        run(),
        "*the body returned None, although it returns a value elsewhere*",
        "*fix: return True or False*",
    )


def test_hazard_03_a_function_scoped_fixture_means_one_trial_at_a_time_and_a_notice(run):
    run.file(
        "@pytest.fixture\ndef seen(): return []\n"
        "SLOW = scripted('slow', ['yes'], latency_s=0.001)\n"
        + hypothesis(
            "seen.append(1); await model('q'); assert seen.pop() and not seen",
            mark="rate >= 0.5, models=[SLOW]",
            arguments="model, seen",
        )
    )
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*notice     one trial at a time: seen is set up once for all trials"])
    assert run.record["test_h"].n_in_flight_max == 1


def test_hazard_03_wider_fixtures_are_shared_without_a_notice(run):
    run.file(
        "@pytest.fixture(scope='module')\ndef table(): return {'q': 'yes'}\n"
        "SLOW = scripted('slow', ['yes'], latency_s=0.001)\n"
        + hypothesis(
            "assert (await model('q')).answers(table['q'])",
            mark="rate >= 0.5, models=[SLOW]",
            arguments="model, table",
        )
    )
    result = run()
    result.stdout.no_fnmatch_line("*one trial at a time*")
    assert run.record["test_h"].n_in_flight_max > 1


@pytest.mark.parametrize("name", ["capsys", "capfd", "recwarn", "caplog", "monkeypatch", "subtests"])
def test_hazard_03_a_fixture_of_the_whole_process_is_refused(run, name):
    run.file(hypothesis("assert (await model('q')).answers('yes')", arguments=f"model, {name}"))
    refused(run(), f"*a hypothesis cannot use the fixture '{name}': *", "*fix: *")


def test_hazard_03_every_trial_has_an_instance_of_its_own(run):
    run.file(
        "SLOW = scripted('slow', ['yes'], latency_s=0.001)\n"
        "class TestClass:\n"
        "    shared = ()\n"
        "    def setup_method(self): self.seen = []\n"
        "    @pytest.mark.hypothesis(rate >= 0.5, models=[SLOW])\n"
        "    async def test_h(self, model, trial):\n"
        "        self.seen.append(trial.index)\n"
        "        self.own = trial.index\n"
        "        await model('q')\n"
        "        assert self.seen == [self.own] == [trial.index]\n"
    )
    assert run().ret == 0


@pytest.mark.parametrize(
    "source",
    [
        "import unittest\nclass TestIt(unittest.TestCase):\n"
        "    @pytest.mark.hypothesis(rate >= 0.5)\n    def test_h(self): assert True\n",
        "test_h = pytest.mark.hypothesis(rate >= 0.5)(lambda trial: trial.index >= 0)\n",
        "def test_h(case): assert case\n",
        "def test_h(model): assert model('q')\n",
        "@pytest.fixture\ndef built(trial): return trial.seed\ndef test_h(built): assert built\n",
    ],
    ids=["TestCase", "lambda", "case without our mark", "model without our mark", "trial behind a fixture"],
)
def test_hazard_04_what_would_run_once_and_pass_is_refused(run, source):
    run.file(source)
    result = run()
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    assert "passed" not in result.parseoutcomes()


def test_hazard_05_pytest_fail_and_raises_that_does_not_raise_are_outcomes(run):
    run.file(
        hypothesis("pytest.fail('it did')", mark="rate <= 0.5, models=[YES]")
        + hypothesis(
            "with pytest.raises(ValueError): await model('q')", mark="rate <= 0.5, models=[YES]"
        ).replace("test_h", "test_raises")
    )
    assert run().ret == 0
    assert {trial.kind for trial in run.record["test_h"].trials} == {"zero"}
    assert {trial.kind for trial in run.record["test_raises"].trials} == {"zero"}


def test_hazard_05_a_group_of_failed_asserts_is_an_outcome_and_a_mixed_one_an_error(run):
    run.file(
        "import asyncio\n"
        "async def one(): assert False\n"
        "async def two(): raise ValueError('x')\n"
        + hypothesis("async with asyncio.TaskGroup() as group: group.create_task(one())", mark="rate <= 0.5")
        + hypothesis(
            "raise ExceptionGroup('both', [AssertionError('a'), ValueError('b')])", mark="rate <= 0.5"
        ).replace("test_h", "test_mixed")
    )
    # Neither body asks for a model.
    source = (run.path / "test_it.py").read_text().replace("(model)", "()")
    (run.path / "test_it.py").write_text(source)
    result = run()
    assert run.outcomes == ["supported", "error"]
    result.stdout.fnmatch_lines(["*ExceptionGroup*"])


def test_hazard_05_a_librarys_assert_is_an_error(run):
    # The standard library asserts on its own: random.sample of a negative number raises ValueError,
    # but email's header registry asserts. A module below site-packages is what users meet.
    library = run.path / "site-packages" / "shaky.py"
    library.parent.mkdir()
    library.write_text("def parse(text):\n    assert text.isdigit(), 'not a number'\n    return int(text)\n")
    run.file(
        "import sys\nsys.path.insert(0, 'site-packages')\nimport shaky\n"
        + hypothesis("assert shaky.parse((await model('q')).text)")
    )
    failed_as_error(run(), "*a library's assert failed: not a number*")


def test_hazard_05_asserts_of_tests_that_are_installed_are_outcomes(run):
    package = run.path / "site-packages" / "shaky"
    (package / "tests").mkdir(parents=True)
    (package / "__init__.py").write_text("def parse(text):\n    assert text.isdigit(), 'not a number'\n")
    (package / "tests" / "helpers.py").write_text("def check(trial):\n    assert trial.index < 0\n")
    run.file(
        "import sys\nsys.path[:0] = ['site-packages', 'site-packages/shaky/tests']\nimport helpers, shaky\n"
        + hypothesis("assert trial.index < 0", mark="rate <= 0.9", arguments="trial")
        + hypothesis("helpers.check(trial)", mark="rate <= 0.9", arguments="trial").replace("_h(", "_helped(")
        + hypothesis("shaky.parse('x')", mark="rate <= 0.9", arguments="").replace("_h(", "_library(")
    )
    (run.path / "test_it.py").rename(package / "tests" / "test_it.py")
    run("site-packages/shaky/tests/test_it.py")
    assert run.outcomes == ["supported", "supported", "error"]


def test_hazard_05_xfail_in_a_trial_is_a_usage_error(run):
    run.file(hypothesis("pytest.xfail('soon')"))
    failed_as_error(run(), "*pytest.xfail cannot be used inside a trial*", "*fix: *")


def test_hazard_05_pytest_exit_in_a_trial_ends_the_run(run):
    run.file(hypothesis("pytest.exit('enough')", arguments="") + "def test_later(): pass\n")
    result = run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*Exit: enough*"])
    assert "passed" not in result.parseoutcomes()


@pytest.mark.parametrize("name", ["SystemExit(0)", "GeneratorExit()", "StopIteration()"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_hazard_05_no_exception_of_a_body_ends_the_process_or_passes(run, kind, name):
    run.file(hypothesis(f"raise {name}", arguments="", kind=kind, mark="rate >= 0.5"))
    failed_as_error(run())


def test_hazard_06_a_body_of_helpers_that_never_failed_is_warned_of(run):
    run.file("def check(reply): pass\n" + hypothesis("check(await model('q'))"))
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*notice     never seen to fail: all * trials ended without an outcome*"])


def test_hazard_06_a_helper_that_was_seen_to_fail_is_not_warned_of(run):
    run.file(
        "def check(trial):\n    assert trial.index % 8\n"
        + hypothesis("check(trial)", arguments="trial", mark="rate >= 0.5")
    )
    result = run()
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*never seen to fail*")


def test_named_rates_are_read_from_a_dict(run):
    body = "return {'asr': (await model('q')).answers('yes'), 'over_refusal': False}"
    run.file(
        hypothesis(body, mark="rate('asr') >= 0.5, models=[YES]")
        + hypothesis(body, mark="rate('over_refusal') <= 0.5, models=[YES]").replace(
            "test_h", "test_refusals"
        )
    )
    assert run().ret == 0
    assert run.record["test_h"].claim == 'rate("asr") >= 0.5'
    assert run.record["test_h"].trials[0].values == {"asr": 1.0, "over_refusal": 0.0}


def test_within_is_supported_inside_and_refuted_outside(run):
    run.file(
        "HALF = scripted('half', ['yes', 'no'])\n"
        + hypothesis("return (await model('q')).answers('yes')", mark="rate.within(0.2, 0.8), models=[HALF]")
        + hypothesis(
            "return (await model('q')).answers('yes')", mark="rate.within(0.2, 0.8), models=[YES]"
        ).replace("test_h", "test_always")
    )
    run()
    assert run.outcomes == ["supported", "refuted"]


def test_the_trial_has_a_seeded_generator_and_keeps_notes(run):
    run.file(
        hypothesis(
            "draw = trial.rng.random(); trial.note(f'drew {draw:.6f}'); assert draw < 0.9",
            kind="def",
            arguments="trial",
            mark="rate >= 0.5",
        )
    )
    run()
    first = [trial.notes for trial in run.record["test_h"].trials]
    run()
    assert [trial.notes for trial in run.record["test_h"].trials] == first
    assert len(set(first)) == len(first)
    run("--velo-seed=1")
    assert run.record["test_h"].trials[0].notes != first[0]


def test_everything_hangs_off_the_velo_fixture(run):
    run.file(
        hypothesis(
            "reply = await velo.model()(velo.case); assert reply.answers('yes') and velo.trial.index >= 0\n"
            "    assert await velo.judge('Is it?', reply)",
            arguments="velo",
            mark="rate >= 0.5, models=[YES], cases=['a', 'b'],"
            " judge=scripted('judge', ['{\"answer\": \"yes\"}'])",
        )
    )
    result = run()
    assert result.ret == 0
    assert run.record["test_h"].model == "scripted/yes"


def test_several_models_in_one_body(run):
    run.file(
        hypothesis(
            "a = await velo.model('scripted/yes')('q'); b = await velo.model('scripted/no')('q')\n"
            "    assert a.answers('yes') and b.answers('no')",
            arguments="velo",
            mark="rate >= 0.5",
        )
    )
    assert run().ret == 0


def test_velo_model_without_a_model_says_how_to_name_one(run):
    run.file(hypothesis("assert await velo.model()('q')", arguments="velo", mark="rate >= 0.5"))
    failed_as_error(run(), "*no model is set*", "*fix: *velo.model(*")


def test_hazard_21_two_tasks_that_race_for_one_request_get_a_notice(run):
    run.file(
        "import asyncio\n"
        "async def branch(model, first):\n    await model(first)\n    return await model('same')\n"
        + hypothesis("a, b = await asyncio.gather(branch(model, '1'), branch(model, '2')); assert a == b")
    )
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*notice     two tasks of one trial sent the same request*"])


@pytest.mark.processes
def test_hazard_20_the_model_is_lost_in_a_bare_thread_and_the_error_says_so(run):
    run.file(
        "import threading\n"
        + hypothesis(
            "errors = []\n"
            "    def ask():\n"
            "        try: model('q')\n"
            "        except Exception as error: errors.append(error)\n"
            "    thread = threading.Thread(target=ask); thread.start(); thread.join()\n"
            "    raise errors[0]",
            kind="def",
        )
    )
    failed_as_error(run(), "*outside a running trial*", "*copy_context().run*")


def test_hazard_20_a_thread_that_keeps_the_context_keeps_the_model(run):
    run.file(
        "import asyncio\n"
        + hypothesis(
            "assert (await asyncio.to_thread(lambda: model.id)) == 'scripted/yes'; assert await model('q')"
        )
    )
    assert run().ret == 0


@pytest.mark.parametrize("name", ["case", "trial"])
def test_hazard_20_a_users_fixture_built_on_a_trials_value_is_refused(run, name):
    run.file(
        f"@pytest.fixture\ndef prompt({name}): return f'about {{{name}}}'\n"
        + hypothesis(
            "assert await model(prompt)",
            arguments="model, prompt",
            mark="rate >= 0.5, models=[YES], cases=['a']",
        )
    )
    refused(run(), f"*your fixture 'prompt' uses '{name}', which differs from trial to trial*", "*fix: *")


@pytest.mark.parametrize("name", ["case", "trial"])
def test_hazard_20_getfixturevalue_of_a_trials_value_raises(run, name):
    run.file(
        f"@pytest.fixture\ndef prompt(request): return request.getfixturevalue('{name}')\n"
        + hypothesis(
            "assert await model(prompt)",
            arguments="model, prompt",
            mark="rate >= 0.5, models=[YES], cases=['a']",
        )
    )
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*the fixture '{name}' was used outside a trial*"])


def test_hazard_20_a_fixture_may_build_on_the_model(run):
    run.file(
        "@pytest.fixture\ndef ask(model):\n"
        "    async def go(text): return await model(text)\n    return go\n"
        + hypothesis("assert (await ask('q')).answers('yes')", arguments="ask")
    )
    assert run().ret == 0
    assert run.record["test_h"].trials[0].calls[0].reply.text == "yes"


def test_hazard_01_cases_that_send_the_same_request_have_draws_of_their_own(run, lab):
    lab.share = 0.5
    run.file(
        hypothesis(
            "assert (await model('one prompt for all')).answers('yes')",
            arguments="model, case",
            mark="rate >= 0.9, models=['lab/tiny'], cases=list(range(30)), over='population', min_trials=20",
        )
    )
    run("-m", "velo")
    addresses = [trial.calls[0].address for trial in run.record["test_h"].trials]
    assert len({address.slot for address in addresses}) == len(addresses)
    assert len({address.key for address in addresses}) == 1
    assert {trial.kind for trial in run.record["test_h"].trials} == {"one", "zero"}


def test_a_call_that_lost_its_trial_is_an_error_even_if_the_body_catches_that(run):
    run.file(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "def test_h(velo):\n"
        "    with ThreadPoolExecutor() as pool:\n"
        "        try:\n"
        "            return pool.submit(velo.model(), 'q').result().answers('yes')\n"
        "        except Exception:\n"
        "            return False\n"
    )
    failed_as_error(run(), "*outside a running trial*", "*fix: *asyncio.to_thread*")
