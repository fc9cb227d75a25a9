"""What is seen at collection: marks, claims, cases, models and options; every mistake before a call."""

from __future__ import annotations

import json

import pytest

GOOD = """
from pathlib import Path
def watched(request):
    Path("a-call-was-made").touch()
    return "yes"
WATCHED = scripted("watched", watched)
"""
HEALTHY = """
@pytest.mark.hypothesis(rate >= 0.5, models=[WATCHED])
async def test_healthy(model):
    return (await model("q")).answers("yes")
"""
BODY = """
async def test_h(model):
    return (await model("q")).answers("yes")
"""
CASE_BODY = """
async def test_h(model, case):
    return (await model(str(case))).answers("yes")
"""


def refused(run, source: str, *lines: str, options: tuple[str, ...] = ()) -> None:
    """The run is refused with these lines, and neither this test nor its healthy neighbour made a call."""
    run.file(GOOD + HEALTHY + source)
    result = run(*options)
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    output = result.stderr if result.ret == pytest.ExitCode.USAGE_ERROR else result.stdout
    output.fnmatch_lines(lines)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert not (run.path / "a-call-was-made").exists()


def marked(arguments: str, body: str = BODY) -> str:
    """A test with our mark."""
    return f"@pytest.mark.hypothesis({arguments}){body}"


WHERE = "*test_it.py::test_h (line *"


def test_the_neighbour_of_the_mistakes_would_have_made_a_call(run):
    run.file(GOOD + HEALTHY)
    assert run().ret == 0
    assert (run.path / "a-call-was-made").exists()


@pytest.mark.parametrize("mark", ["@pytest.mark.hypothesis", "@pytest.mark.hypothesis()"])
def test_a_bare_mark(run, mark):
    refused(
        run,
        mark + BODY,
        f"{WHERE}the mark has no claim",
        "*fix: @pytest.mark.hypothesis(rate >= 0.5), with `from pytest_velo import rate`",
    )


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("rate", "`rate` alone claims nothing"),
        ("rate('asr')", '`rate("asr")` alone claims nothing'),
        ("'rate >= 0.5'", "'rate >= 0.5' is not a claim"),
        ("0.5", "0.5 is not a claim"),
        ("rate >= 0.5, rate <= 0.9", "the mark takes one claim, got 2 positional arguments"),
        ("models=[YES]", "the mark has keywords but no claim"),
    ],
)
def test_a_claim_that_is_none(run, arguments, what):
    refused(run, marked(arguments), f"{WHERE}{what}", "*fix: @pytest.mark.hypothesis(rate >= 0.5, cases=...)")


@pytest.mark.parametrize(
    ("claim", "what", "fix"),
    [
        ("rate >= 0", "rate >= 0 cannot be tested", "every value satisfies it*"),
        ("rate <= 1", "rate <= 1 cannot be tested", "every value satisfies it*"),
        ("rate >= 1", "rate >= 1 cannot be tested", "no finite sample can support it*"),
        ("rate <= 0", "rate <= 0 cannot be tested", "no finite sample can support it*"),
        ("rate >= 30", "a threshold for rate must be between 0 and 1, got 30", "rate >= 0.3"),
        (
            "rate >= -0.1",
            "a threshold for rate must be between 0 and 1, got -0.1",
            "move it inside the range",
        ),
        ("rate >= '0.5'", "a threshold for rate must be a number between 0 and 1, got '0.5'", "rate >= 0.7"),
        ("rate > 0.5", "claims are written with >= and <=", "rate >= 0.5"),
        ("rate < 0.5", "claims are written with >= and <=", "rate <= 0.5"),
        (
            "rate.within(0.6, 0.4)",
            "rate.within(0.6, 0.4) is empty: give the lower end first",
            "rate.within(0.4*",
        ),
        ("rate('') <= 0.5", "an outcome's name must be a string, got ''", "rate(*asr*) <= 0.05"),
        (
            "0.2 <= rate <= 0.4",
            "the claim `rate >= 0.2` has no truth value",
            "claims cannot be chained: write rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4*",
        ),
    ],
)
def test_a_claim_that_cannot_be_made_shows_its_own_line(run, claim, what, fix):
    refused(
        run,
        marked(claim),
        "test_it.py:*: in <module>",
        f"*@pytest.mark.hypothesis({claim})",
        f"*UsageError: {what}",
        f"*fix: {fix}",
    )


@pytest.mark.parametrize(
    ("keyword", "fix"),
    [
        ("max_trails=20", "did you mean 'max_trials'?"),
        ("case=[1]", "did you mean 'cases'?"),
        ("model=[YES]", "did you mean 'models'?"),
        ("temperature=1", 'it is a keyword of a call: model("…", temperature=...)'),
        ("multiplicity='holm'", "it is set for a whole run: --velo-multiplicity, velo_multiplicity *"),
        ("cache_dir='x'", "it is set for a whole run: --velo-cache-dir, velo_cache_dir *"),
        ("halfwidth=0.1", "it is an argument of the claim: estimate(rate, halfwidth=...)"),
        ("correlation=0.5", 'it is an argument of covariate=: covariate("difficulty", correlation=...)'),
        ("colour=1", "known: allow_cut, allow_empty, alpha, arms, *"),
    ],
)
def test_a_misspelt_keyword(run, keyword, fix):
    name = keyword.partition("=")[0]
    refused(
        run,
        marked(f"rate >= 0.5, {keyword}"),
        f"{WHERE}pytest.mark.hypothesis has no keyword '{name}'",
        f"*fix: {fix}",
    )


BAD_VALUES = [
    ("truth='labels.csv'", 'labels("labels.csv")'),
    ("covariate=7", "a field of the cases, a function of the case, recorded(...), or learned(...)"),
    ("cases=None", "a list, a function, a file name or a strategy"),
    ("models=[]", "a list of model ids*"),
    ("models=7", "a list of model ids*"),
    ("models=['']", "a list of model ids*"),
    ("models=[YES, YES]", "a list without duplicates"),
    ("judge=YES.encode()", "a model id, or stub(*"),
    ("ladder=7", "a list of rungs such as *"),
    ("assumes=7", "a test function, its name or node id, or a list of them"),
    ("predict=1", "a number between 0 and 1"),
    ("silence={'F05': ' '}", "a reason for each code such as *"),
    ("alpha=0", "a number between 0 and 1"),
    ("alpha=True", "a number between 0 and 1"),
    ("alpha='0.05'", "a number between 0 and 1"),
    ("beta=1", "a number between 0 and 1"),
    ("beta=float('nan')", "a number between 0 and 1"),
    ("margin=-0.1", "a number, 0 or more, in the statistic's units"),
    ("margin=True", "a number, 0 or more, in the statistic's units"),
    ("arms=['a']", "two or more different names*"),
    ("max_trials=0", "a whole number, 1 or more"),
    ("max_trials=20.0", "a whole number, 1 or more"),
    ("max_trials=True", "a whole number, 1 or more"),
    ("min_trials=-1", "a whole number, 1 or more"),
    ("over='case'", 'one of "cases", "population"'),
    ("draws_per_case=0", "a whole number, 1 or more"),
    ("invalid='ignore'", 'one of "bound", "exclude", "against"'),
    ("expect=1.5", "a number between 0 and 1, or of a difference between -1 and 1"),
    ("extend='yes'", "True or False"),
    ("futility=1.5", 'a number between 0 and 1, or "off"'),
    ("stream=1", "a string"),
    ("family=''", "a name without `::`*"),
    ("family='a::b'", "a name without `::`*"),
    ("once=1", "True or False"),
    ("ceiling=True", "a number in the outcome's units, or an arm's name"),
    ("ceiling=float('inf')", "a number in the outcome's units, or an arm's name"),
    ("guards='judge'", 'one of "model", "prompt"'),
    ("tier=1", "a string"),
    ("clients='ours'", 'one of "adopt", "leave"'),
    ("allow_cut=1", "True or False"),
    ("allow_empty='no'", "True or False"),
]


@pytest.mark.parametrize(("keyword", "wanted"), BAD_VALUES, ids=[keyword for keyword, _ in BAD_VALUES])
def test_a_bad_value_of_a_keyword(run, keyword, wanted):
    name = keyword.partition("=")[0]
    refused(
        run,
        marked(f"rate >= 0.5, {keyword}"),
        f"{WHERE}{name}=*: expected {wanted}",
        f"*fix: for example {name}=*",
    )


def test_every_keyword_has_a_bad_value_above():
    from pytest_velo.designing.spec import KEYWORDS

    assert {keyword.partition("=")[0] for keyword, _ in BAD_VALUES} == set(KEYWORDS)


def test_every_keyword_has_an_example_that_an_error_can_show():
    from pytest_velo.designing.spec import EXAMPLES, KEYWORDS

    assert set(EXAMPLES) == set(KEYWORDS)


def test_a_bad_default_names_the_mark_it_stands_in(run):
    refused(
        run,
        "pytestmark = pytest.mark.velo(max_trails=20)\n" + marked("rate >= 0.5, models=[YES]"),
        "*pytest.mark.velo has no keyword 'max_trails'",
        "*fix: did you mean 'max_trials'?",
    )


def test_defaults_take_keywords_only(run):
    refused(
        run,
        "pytestmark = pytest.mark.velo('local/smollm2-135m')\n" + marked("rate >= 0.5"),
        "*pytest.mark.velo takes keywords only",
        "*fix: pytest.mark.velo(models=*",
    )


def test_two_marks_on_one_test(run):
    refused(
        run,
        "@pytest.mark.hypothesis(rate <= 0.9)\n" + marked("rate >= 0.5, models=[YES]"),
        f"{WHERE}two hypothesis marks on one test",
        "*fix: write one test for each claim",
    )


@pytest.mark.parametrize(
    ("keywords", "what"),
    [
        ("margin=0.5", "the margin 0.5 of `rate >= 0.5` reaches to 0: no value is left to rule out"),
        ("margin=0.6", "the margin 0.6 of `rate >= 0.5` reaches to -0.1: no value is left to rule out"),
        ("min_trials=50, max_trials=20", "min_trials is larger than max_trials"),
        ("min_trials=500", "min_trials=500, but there are at most 200 trials"),
        ("alpha=0.6, beta=0.4", "alpha=0.6 and beta=0.4 add up to 1 or more, which leaves no interval"),
        ("alpha=0.99", "alpha=0.99 and beta=0.05 add up to 1 or more, which leaves no interval"),
        ("over='population'", "over= needs cases"),
        ("group='topic'", "group= is an option of the cases"),
    ],
)
def test_keywords_that_do_not_go_together(run, keywords, what):
    refused(run, marked(f"rate >= 0.5, models=[YES], {keywords}"), f"{WHERE}{what}", "*fix: ?*")


def test_within_has_no_side_for_invalid_against(run):
    refused(
        run,
        marked("rate.within(0.2, 0.8), models=[YES], invalid='against'"),
        f'{WHERE}invalid="against" has no side to count on for `within`',
        '*fix: use invalid="bound"',
    )


@pytest.mark.parametrize(
    ("arguments", "n"),
    [
        ("rate <= 0.02, max_trials=100", 149),
        ("rate >= 0.98, max_trials=148", 149),
        ("rate >= 0.5, max_trials=4", 5),
        ("rate.within(0.4, 0.6), max_trials=12", "at least 13"),
    ],
)
def test_support_out_of_reach_names_the_trials_it_needs(run, arguments, n):
    claim, _, most = arguments.partition(", max_trials=")
    refused(
        run,
        marked(f"{arguments}, models=[YES]"),
        f"{WHERE}`{claim}` can never be supported within {most} trials:*agreed with it, it needs {n}",
        f"*fix: max_trials={str(n).split()[-1]} or more*",
    )


def test_too_few_cases_put_support_out_of_reach_too(run):
    refused(
        run,
        marked("rate >= 0.9, models=[YES], cases=['a', 'b', 'c'], over='population'", CASE_BODY),
        f"{WHERE}`rate >= 0.9` can never be supported within 3 trials (there are no more cases): *",
        "*fix: 29 or more cases, or an easier claim*",
    )


def test_too_few_groups_are_counted_in_groups(run):
    rows = [{"q": str(n), "topic": n % 3} for n in range(30)]
    refused(
        run,
        marked(f"rate >= 0.5, models=[YES], cases=cases({rows}, group='topic')", CASE_BODY),
        f"{WHERE}`rate >= 0.5` can never be supported within 3 groups (there are no more groups): *",
        "*fix: 6 or more groups, or an easier claim*",
    )


def test_designs_that_cannot_work_are_all_told_at_once_and_alike_ones_once(run):
    """One run told of one, so three wrong designs took three runs to find."""
    hard = "models=[YES, NO], max_trials=3"
    run.file(
        f"""
@pytest.mark.parametrize("n", range(3))
@pytest.mark.hypothesis(rate >= 0.9, {hard})
async def test_hard(model, n):
    return "yes" in await model(str(n))

@pytest.mark.hypothesis(rate >= 0.5, {hard})
async def test_easier(model):
    return "yes" in await model("?")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=["a"], covariate="level")
async def test_covariate(model, case):
    return "yes" in await model(case)

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_well(model):
    return "yes" in await model("?")
"""
    )
    said = run().stderr.str()
    assert said.count("can never be supported within 3 trials") == 2
    assert said.count("has no number for case") == 1
    assert "test_hard[scripted/yes-0] (line 6), and 5 more: `rate >= 0.9` can never be supported" in said
    assert "test_easier[scripted/yes] (line 11), and 1 more: `rate >= 0.5` can never be supported" in said
    assert "test_well" not in said


def test_one_group_is_one_group(run):
    refused(
        run,
        marked("rate >= 0.5, models=[YES], cases=cases([{'q': '?', 'topic': 1}], group='topic')", CASE_BODY),
        f"{WHERE}`rate >= 0.5` can never be supported within 1 group (there are no more groups): *",
        "*fix: 5 or more groups, or an easier claim*",
    )


def test_more_trials_of_a_list_that_may_run_out_too_need_as_many_cases(run):
    few = f"models=[YES], max_trials=3, cases={[*map(str, range(9))]}"
    refused(
        run,
        marked(f"rate >= 0.9, {few}, over='population'", CASE_BODY),
        "*fix: max_trials=29 or more (with as many cases), or an easier claim*",
    )
    refused(
        run,
        marked(f"rate >= 0.9, {few}", CASE_BODY),
        "*fix: max_trials=29 or more, or an easier claim*",
    )


@pytest.mark.slow
def test_workers_say_what_is_wrong_with_a_design_too(run):
    run.file(marked("rate >= 0.9, models=[YES], cases=['a', 'b', 'c'], over='population'", CASE_BODY))
    result = run("-n", "2")
    result.stdout.fnmatch_lines(["*can never be supported within 3 trials*", "*fix: 29 or more cases*"])
    assert "INTERNALERROR" not in result.stdout.str()
    assert result.ret != 0


@pytest.mark.parametrize("n", [5, 149])
def test_the_number_that_is_named_is_enough(run, n):
    claim = {5: "rate >= 0.5", 149: "rate >= 0.98"}[n]
    run.file(marked(f"{claim}, models=[YES], max_trials={n}"))
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("model_id", "what", "fix"),
    [
        ("opena/gpt-5", "*names the unknown endpoint 'opena'", "did you mean 'openai'?*velo_endpoints"),
        ("gpt-5-mini", "'gpt-5-mini' is not a model id", "write <endpoint>/<model>; endpoints: *openai*"),
        ("openai/", "'openai/' is not a model id", "write <endpoint>/<model>*"),
    ],
)
@pytest.mark.parametrize("place", ["models=['{}']", "models=[YES], judge='{}'"], ids=["model", "judge"])
def test_a_model_id_that_names_nothing(run, model_id, what, fix, place):
    refused(run, marked(f"rate >= 0.5, {place.format(model_id)}"), f"{WHERE}{what}", f"*fix: {fix}")


def test_a_model_id_on_the_command_line_that_names_nothing(run):
    refused(
        run,
        marked("rate >= 0.5"),
        f"{WHERE}*names the unknown endpoint 'scriptd'",
        "*did you mean 'scripted'?*",
        options=("--velo-model=scriptd/yes",),
    )


def test_no_model_is_named(run):
    refused(run, marked("rate >= 0.5"), f"{WHERE}no model is set", "*fix: models=*or --velo-model=local/*")


def test_no_judge_is_named(run):
    body = "async def test_h(model, judge):\n    return await judge('Is it?', await model('q'))\n"
    refused(
        run,
        marked("rate >= 0.5, models=[YES]", "\n" + body),
        f"{WHERE}no judge is set",
        "*fix: judge=*or --velo-judge=*",
    )


def test_a_case_without_cases(run):
    refused(
        run,
        marked("rate >= 0.5, models=[YES]", CASE_BODY),
        f"{WHERE}the body uses `case`, but the mark has no cases",
        "*fix: cases=[[]...[]] or cases=*file.jsonl*",
    )


@pytest.mark.parametrize("more", ["", ", once=True", ", over='population'"])
def test_cases_that_cannot_matter(run, more):
    rows = [f"question {n}" for n in range(40)]
    refused(
        run,
        f"ROWS = {rows!r}\n" + marked(f"rate >= 0.5, models=[YES], cases=ROWS{more}"),
        f"{WHERE}the cases cannot matter: the body does not use `case`",
        "*fix: make `case` an argument of the body, or leave cases= out",
    )


@pytest.mark.parametrize(
    ("fixture", "body"),
    [
        ("", "async def test_h(velo): return (await velo.model(YES)(velo.case)).answers('yes')"),
        (
            "@pytest.fixture\ndef ask(velo): return lambda: velo.case\n",
            "async def test_h(model, ask): return (await model(ask())).answers('yes')",
        ),
        ("", "def test_h(request): return request.getfixturevalue('velo') is not None"),
    ],
    ids=["velo", "a fixture with velo", "request"],
)
def test_cases_may_come_another_way(run, fixture, body):
    mark = "@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=['a', 'b'], max_trials=20)\n"
    run.file(f"{fixture}{mark}{body}\n")
    result = run("--collect-only")
    assert result.ret == 0
    assert "cannot matter" not in result.stdout.str()


@pytest.mark.parametrize(
    "source",
    [
        "pytestmark = pytest.mark.velo(cases=['a', 'b'])\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "async def test_h(model): return (await model('q')).answers('yes')\n",
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=['a', 'b'])\nclass TestAll:\n"
        "    async def test_h(self, model): return (await model('q')).answers('yes')\n"
        "    async def test_i(self, model, case): return (await model(case)).answers('yes')\n",
    ],
    ids=["defaults of a module", "the mark of a class"],
)
def test_cases_of_a_whole_module_or_class_are_no_mistake_of_a_test(run, source):
    run.file(source)
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*::test_h: the body does not use `case`, so the cases that its class or*"])
    assert "::test_i: the body" not in result.stdout.str()


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.fixture\ndef case(): return 'mine'\n",
        "@pytest.mark.parametrize('case', ['mine'])\n",
    ],
    ids=["fixture", "parameter"],
)
def test_a_case_of_the_users_own_hides_ours(run, source):
    refused(
        run,
        source + marked("rate >= 0.5, models=[YES], cases=['a']", CASE_BODY),
        f"{WHERE}a fixture or parameter named 'case' hides ours",
        "*fix: rename it, or use velo.case",
    )


def test_a_fixture_named_case_is_the_users_where_the_mark_has_no_cases(run):
    run.file(
        "@pytest.fixture\ndef case(): return 'mine'\n"
        + marked("rate >= 0.5", "\ndef test_h(case):\n    assert case == 'mine'\n")
    )
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "content", "what", "fix"),
    [
        ("absent.jsonl", None, "*there is no file 'absent.jsonl' in *", "the path is relative to*"),
        ("empty.jsonl", "", "*there are no cases: the source is empty", "cases= takes *"),
        ("blank.jsonl", "\n\n", "*there are no cases: the source is empty", "cases= takes *"),
        ("broken.jsonl", '{"a": 1}\n{"a": \n', "*broken.jsonl:2*the line is not JSON: *", "one JSON value*"),
        (
            "empty.csv",
            "",
            "*empty.csv:1*the first line names no columns",
            "give each column*",
        ),
        ("ragged.csv", "a,b\n1,2\n3\n", "*ragged.csv:3*the row has 1 cells, the header has 2", "put cells*"),
        (
            "numbers.csv",
            "1,2\n3,4\n",
            "*numbers.csv:1*the first line is not a header: 1, 2",
            "give each column a unique name*",
        ),
        ("words.txt", "a\n", "*cases='words.txt' is not a source of cases", "cases= takes a list,*"),
        ("latin.csv", b"a\n\xe9\n", "*latin.csv*the file is not UTF-8 *", "save it as UTF-8"),
    ],
)
def test_a_file_of_cases_that_cannot_be_read(run, name, content, what, fix):
    if content is not None:
        (run.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(run, marked(f"rate >= 0.5, models=[YES], cases='{name}'", CASE_BODY), f"*{what}", f"*fix: {fix}")


def test_a_misspelt_file_of_cases(run):
    (run.path / "questions.jsonl").write_text('"a"\n')
    refused(
        run,
        marked("rate >= 0.5, models=[YES], cases='question.jsonl'", CASE_BODY),
        "*there is no file 'question.jsonl' in *",
        "*fix: did you mean 'questions.jsonl'?",
    )


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("[]", "there are no cases: the source is empty"),
        ("{'a': 1}", "cases= got a dict"),
        ("7", "cases= got a int"),
        ("iter(['a'])", "cases= got an iterator, which can be read only once"),
        ("lambda: 1 / 0", "the function <lambda> raised ZeroDivisionError: division by zero"),
        ("lambda: 7", "the function <lambda> returned a int"),
        ("lambda n: [n]", "the function <lambda> requires n"),
        ("[object()]", "the case's content cannot be identified: *"),
        ("cases(['a'], filter=lambda case: False)", "there are no cases: filter= removed all"),
        ("cases([{'q': 'a'}], rename={'qq': 'b'})", "rename= names 'qq', which is not a field"),
        ("cases([{'q': 'a'}], group='topic')", "this case has no field 'topic' for group="),
        ("cases(['a'], id='name')", "id='name' names a field, but the case is 'a'"),
        ("cases([{'n': 1}, {'n': 1}], id='n')", "the id '1' is already used by case 0"),
    ],
)
def test_cases_that_are_none(run, source, what):
    refused(run, marked(f"rate >= 0.5, models=[YES], cases={source}", CASE_BODY), f"*test_h*{what}")


def asked_about(run, name: str = "test_h") -> list[str]:
    """The cases of the trials of the latest run, by their ids, in order."""
    return [trial.case_id for trial in run.record[name].trials]


ROWS = [{"q": f"question {number}", "a": "yes"} for number in range(8)]
FIELD_BODY = """
async def test_h(model, case):
    return (await model(case.q)).answers(case.a)
"""


def sources() -> dict[str, str]:
    """One and the same set of cases from every kind of source, as source code."""
    rows = json.dumps(ROWS)
    return {
        "list": rows,
        "function": f"lambda: {rows}",
        "jsonl": "'rows.jsonl'",
        "csv": "'rows.csv'",
        "path": "Path('rows.csv')",
        "renamed": "cases('rows.csv', rename={'q': 'x', 'a': 'y'}, id='x', filter=lambda case: case.y)",
    }


@pytest.mark.parametrize("kind", sources())
def test_cases_come_from_everywhere(run, kind):
    (run.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (run.path / "rows.csv").write_text("q,a\n" + "".join(f"{row['q']},{row['a']}\n" for row in ROWS))
    body = (
        FIELD_BODY
        if kind != "renamed"
        else FIELD_BODY.replace("case.q", "case.x").replace("case.a", "case.y")
    )
    run.file(
        "from pathlib import Path\n" + marked(f"rate >= 0.5, models=[YES], cases={sources()[kind]}", body)
    )
    result = run()
    result.assert_outcomes(passed=1)
    assert run.record["test_h"].scope == "over these 8 cases"
    known = {row["q"] for row in ROWS} if kind == "renamed" else set(map(str, range(8)))
    assert set(asked_about(run)) <= known


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    ["numbers", "seeded", "st.integers(0, 10**9)", "cases(st.integers(0, 10**9), filter=lambda n: n % 2)"],
)
def test_generators_and_strategies_speak_of_a_population(run, source):
    run.file(
        "from hypothesis import strategies as st\n"
        "def numbers():\n    yield from range(50)\n"
        "def seeded(rng):\n    while True: yield rng.getrandbits(40)\n"
        + marked(f"rate >= 0.5, models=[YES], cases={source}", CASE_BODY)
    )
    run().assert_outcomes(passed=1)
    assert run.record["test_h"].scope == "beyond these cases"
    seen = asked_about(run)
    assert len(set(seen)) == len(seen)  # each case at most once


def test_n_takes_the_first_cases(run):
    run.file(marked("rate >= 0.5, models=[YES], cases=cases(range(100), n=3)", CASE_BODY))
    run().assert_outcomes(passed=1)
    assert run.record["test_h"].scope == "over these 3 cases"
    assert set(asked_about(run)) <= {"0", "1", "2"}


def test_a_population_asks_each_case_once_in_an_order_of_the_seed(run):
    run.file(marked("rate >= 0.5, models=[YES], cases=list(range(20)), over='population'", CASE_BODY))
    orders = []
    for seed in ("0", "0", "1"):
        run(f"--velo-seed={seed}").assert_outcomes(passed=1)
        orders.append(asked_about(run))
    assert orders[0] == orders[1] != orders[2]
    assert all(len(set(order)) == len(order) for order in orders)


def test_draws_per_case_make_the_case_the_unit(run):
    run.file(
        marked(
            "rate >= 0.5, models=[YES], cases=list(range(30)), over='population', draws_per_case=3", CASE_BODY
        )
    )
    run().assert_outcomes(passed=1)
    result = run.record["test_h"]
    seen = asked_about(run)
    assert len(seen) == 3 * len(set(seen))
    assert {trial.repeat for trial in result.trials} == {0, 1, 2}


def test_groups_are_the_unit_and_speak_of_more_groups(run):
    rows = [{"q": f"question {n}", "topic": f"topic {n % 15}"} for n in range(60)]
    run.file(
        f"ROWS = {rows!r}\n"
        + marked("rate >= 0.5, models=[YES], cases=cases(ROWS, group='topic')", CASE_BODY)
    )
    ended = run()
    ended.assert_outcomes(passed=1)
    result = run.record["test_h"]
    assert result.scope == "beyond these cases (unit: group)"
    ended.stdout.re_match_lines([r".* \d+ of (at most |≤)15 groups"])
    assert (result.max_trials, result.max_units) == (200, 15)
    topics = [int(name) % 15 for name in asked_about(run)]
    assert all(topics.count(topic) == 4 for topic in topics)  # a verdict waits for whole groups


def test_power_below_one_half_is_a_warning_that_names_the_test(run):
    run.file(marked("rate >= 0.5, expect=0.52, models=[YES]"))
    result = run()
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*test_it.py::test_h: if the rate is 0.52 as expected, `rate >= 0.5` is supported in only *%*"]
    )


def test_few_groups_are_told_before_they_are_paid_for(run):
    rows = [{"q": f"question {n}", "topic": f"topic {n % 10}"} for n in range(80)]
    grouped = "models=[YES], cases=cases(ROWS, group='topic')"
    run.file(f"ROWS = {rows!r}\n" + marked(f"rate >= 0.5, {grouped}, expect=0.6", CASE_BODY))
    run("--collect-only").stdout.fnmatch_lines(
        [
            "*test_it.py::test_h: 10 groups: ?% power at the rate you expect (expect=0.6) where every group"
            " is all or nothing (ICC 1), <1% where the cases of a group are independent (ICC 0); * groups are"
            " needed for 80%"
        ]
    )
    run.file(f"ROWS = {rows!r}\n" + marked(f"rate >= 0.5, {grouped}", CASE_BODY))
    run("--collect-only").stdout.fnmatch_lines(
        ["*test_it.py::test_h: 10 groups: a rate is seen with 80% power from 0.9* up where every group is *"]
    )


def test_what_does_not_run_is_not_warned_of(run):
    rows = [{"q": f"question {n}", "topic": f"topic {n % 10}"} for n in range(80)]
    few = marked("rate >= 0.5, models=[YES], cases=cases(ROWS, group='topic')", CASE_BODY)
    weak = marked("rate >= 0.5, expect=0.52, models=[YES]").replace("test_h", "test_weak")
    skipped = "@pytest.mark.skip\n" + weak.replace("test_weak", "test_skipped")
    run.file(f"ROWS = {rows!r}\n{few}\n{weak}\n{skipped}\ndef test_plain(): pass\n")
    told = [
        "*PytestWarning: test_it.py::test_h: 10 groups:*",
        "*PytestWarning: test_it.py::test_weak: if the*",
    ]
    for chosen, others in ([], []), (["-k", "test_h"], told[1:]), (["-k", "test_weak"], told[:1]):
        result = run("--collect-only", *chosen)
        result.stdout.fnmatch_lines([line for line in told if line not in others])
        for line in [*others, "*PytestWarning: test_it.py::test_skipped*"]:
            result.stdout.no_fnmatch_line(line)
    for chosen in (["-k", "plain"], ["-m", "not velo"], ["test_it.py::test_plain"]):
        assert "PytestWarning: test_it.py" not in run("--collect-only", *chosen).stdout.str()


def test_enough_power_is_no_warning(run):
    run.file(marked("rate >= 0.5, expect=0.9, models=[YES]"))
    run("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function").assert_outcomes(passed=1)


def test_models_give_an_item_each_and_k_picks_one(run):
    run.file(marked("rate >= 0.5, models=[YES, NO]"))
    result = run("-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_h[[]scripted/yes[]] SUPPORTED*", "*test_h[[]scripted/no[]] REFUTED*"])
    run("-k", "scripted/yes").assert_outcomes(passed=1, deselected=1)
    run("test_it.py::test_h[scripted/no]").assert_outcomes(failed=1)


def test_models_of_the_command_line_give_an_item_each_too(run):
    run.file(marked("rate >= 0.5"))
    run("--velo-model=scripted/yes", "--velo-model=scripted/no").assert_outcomes(passed=1, failed=1)


def test_the_marks_models_win_over_the_command_line(run):
    run.file(marked("rate >= 0.5, models=[YES]"))
    run("--velo-model=scripted/no").assert_outcomes(passed=1)


def test_models_multiply_with_parametrize(run):
    run.file(
        "@pytest.mark.parametrize('word', ['yes', 'no'])\n"
        + marked(
            "rate >= 0.5, models=[YES, NO]",
            "\nasync def test_h(model, word):\n    return (await model('q')).answers(word)\n",
        )
    )
    run().assert_outcomes(passed=2, failed=2)
    outcomes = {result.node_id: result.outcome.value for result in run.record.results}
    assert outcomes == {
        "test_it.py::test_h[scripted/yes-yes]": "supported",
        "test_it.py::test_h[scripted/yes-no]": "refuted",
        "test_it.py::test_h[scripted/no-yes]": "refuted",
        "test_it.py::test_h[scripted/no-no]": "supported",
    }


def test_a_parameter_may_bring_a_claim_of_its_own(run):
    run.file(
        "@pytest.mark.parametrize('word', [\n"
        "    pytest.param('yes', marks=pytest.mark.hypothesis(rate >= 0.9, models=[YES])),\n"
        "    pytest.param('no', marks=pytest.mark.hypothesis(rate <= 0.1, models=[YES])),\n"
        "])\n"
        "async def test_h(model, word):\n    return (await model('q')).answers(word)\n"
    )
    run().assert_outcomes(passed=2)
    assert [result.claim for result in run.record.results] == ["rate >= 0.9", "rate <= 0.1"]


PARAMETERS = """
@pytest.mark.parametrize('word', [pytest.param('no', marks=pytest.mark.hypothesis({}))])
async def test_h(model, word):
    return (await model('q')).answers(word)
"""


def test_a_parameters_claim_is_a_second_one_beside_the_functions(run):
    refused(
        run,
        "@pytest.mark.hypothesis(rate >= 0.9, models=[YES])" + PARAMETERS.format("rate <= 0.1"),
        "*test_it.py::test_h[[]no[]] (line *two hypothesis marks on one test",
        "*fix: write one test for each claim",
    )


def test_a_parameters_claim_is_about_each_model_of_the_session(run):
    run.file(PARAMETERS.format("rate <= 0.1"))
    run("--velo-model=scripted/yes", "--velo-model=scripted/no").assert_outcomes(passed=1, failed=1)
    run("--velo-model=scripted/yes").assert_outcomes(passed=1)


def test_a_parameters_claim_cannot_bring_several_models(run):
    refused(
        run,
        PARAMETERS.format("rate <= 0.1, models=[YES, NO]"),
        "*test_it.py::test_h[[]no[]] (line **a claim in pytest.param can name only one",
        "*fix: name one model in the mark of pytest.param, or models= in the mark of the function",
    )


def test_a_parameter_without_a_claim_beside_one_with(run):
    refused(
        run,
        PARAMETERS.format("rate <= 0.1, models=[YES]").replace("[pytest", "['yes', pytest"),
        "*test_it.py::test_h[[]yes[]] (line *the test uses our fixture 'model' but is not a hypothesis",
        "*fix: mark it: @pytest.mark.hypothesis(rate >= 0.5)",
    )


def test_the_functions_mark_wins_over_the_class(run):
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.9, models=[YES])\n"
        "class TestIt:\n"
        "    async def test_class(self, model): return (await model('q')).answers('yes')\n"
        "    @pytest.mark.hypothesis(rate <= 0.1, models=[NO])\n"
        "    async def test_own(self, model): return (await model('q')).answers('yes')\n"
    )
    run().assert_outcomes(passed=2)
    assert [result.claim for result in run.record.results] == ["rate >= 0.9", "rate <= 0.1"]


def test_defaults_of_module_and_class_are_overridden_from_the_inside(run):
    run.file(
        "pytestmark = pytest.mark.velo(models=[NO], max_trials=40, alpha=0.01)\n"
        "@pytest.mark.velo(models=[YES], max_trials=30)\n"
        "class TestIt:\n"
        "    @pytest.mark.hypothesis(rate >= 0.5, max_trials=20)\n"
        "    async def test_h(self, model): return (await model('q')).answers('yes')\n"
        "@pytest.mark.hypothesis(rate <= 0.5)\n"
        "async def test_plain(model): return (await model('q')).answers('yes')\n"
    )
    run().assert_outcomes(passed=2)
    method, function = run.record["test_h"], run.record["test_plain"]
    assert (method.model, method.max_trials, method.alpha) == ("scripted/yes", 20, 0.01)
    assert (function.model, function.max_trials, function.alpha) == ("scripted/no", 40, 0.01)


def test_a_mark_of_defaults_alone_makes_no_hypothesis(run):
    run.file("pytestmark = pytest.mark.velo(models=[YES])\ndef test_plain(): pass\n")
    run().assert_outcomes(passed=1)
    assert run.n_runs == 0


BAD_OPTIONS = [
    ("mode", "reply", "one of auto, replay, refresh, estimate (did you mean 'replay'?)"),
    ("seed", "one", "a whole number"),
    ("alpha", "1.5", "a number between 0 and 1"),
    ("alpha", "low", "a number between 0 and 1"),
    ("max_trials", "0", "a whole number, 1 or more"),
    ("max_trials", "many", "a whole number, 1 or more"),
    ("concurrency", "0", "a whole number, 1 or more"),
    ("budget", "-1", "dollars, 0 or more, or none"),
    ("budget", "nan", "dollars, 0 or more, or none"),
    ("budget", "a lot", "dollars, 0 or more, or none"),
    ("profile", "cli", "one of explore, confirm, ci (did you mean 'ci'?)"),
    ("show", "-1", "the number is a whole one, 0 or more"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), BAD_OPTIONS)
@pytest.mark.parametrize("place", ["command line", "environment", "ini"])
def test_a_bad_value_of_an_option_names_its_place(run, monkeypatch, name, value, wanted, place):
    options: tuple[str, ...] = ()
    if place == "command line":
        where = f"--velo-{name.replace('_', '-')}"
        options = (f"{where}={value}",)
    elif place == "environment":
        where = f"VELO_{name.upper()}"
        monkeypatch.setenv(where, value)
    else:
        run.ini(f"velo_{name} = {value}")
        where = f"velo_{name} in pytest.ini"
    refused(run, "", f"ERROR: {where}: '{value}' cannot be read: {wanted}", "*fix: ?*", options=options)


@pytest.mark.parametrize("place", ["environment", "ini"])
def test_a_bad_flag_names_its_place(run, monkeypatch, place):
    if place == "ini":
        run.ini("velo_strict = perhaps")
    else:
        monkeypatch.setenv("VELO_STRICT", "perhaps")
    where = {"ini": "velo_strict in pytest.ini", "environment": "VELO_STRICT"}[place]
    refused(run, "", f"ERROR: {where}: 'perhaps' cannot be read: true or false", "*fix: ?*")


@pytest.mark.parametrize(
    ("line", "what", "fix"),
    [
        ("lab api=openai-chat", "an endpoint starts with its name and a colon", "vllm: api=*"),
        ("lab: api=openai-caht", "unknown api 'openai-caht'", "did you mean 'openai-chat'?"),
        ("lab: api=openai-chat prise=free", "unknown key 'prise'", "did you mean 'price'?"),
        ("lab: base_url=http://127.0.0.1:1/v1", "api= is missing", "api= takes one of *"),
        ("lab: api=openai-chat price=cheap", "price= cannot be read", "price= takes free, or dollars*"),
        ("lab: api=openai-chat key=sk-not-a-name", "key= cannot be read", "key= takes the NAME*"),
    ],
)
def test_a_bad_endpoint_names_its_place_and_shows_no_secret(run, line, what, fix):
    run.ini(f"velo_endpoints =\n    {line}")
    refused(run, "", f"ERROR: velo_endpoints in pytest.ini: *{what}", f"*fix: {fix}")
    assert "sk-not-a-name" not in run().stderr.str()


def test_an_unknown_option_is_pytests_own_error(run):
    refused(run, "", "*unrecognized arguments: --velo-sead=1", options=("--velo-sead=1",))


def test_strict_markers_know_ours(run):
    run.file("pytestmark = pytest.mark.velo(models=[YES])\n" + marked("rate >= 0.5"))
    run("--strict-markers", "--strict-config").assert_outcomes(passed=1)


def test_the_marks_are_listed(run):
    run("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.hypothesis(claim, *, cases=, models=, *", "@pytest.mark.velo(*"]
    )


def test_the_fixtures_are_listed_with_their_first_lines(run):
    shown = run("--fixtures").stdout
    for name in ("velo", "model", "judge", "case", "trial"):
        shown.fnmatch_lines([f"{name} *pytest_velo*", "    *"])


def test_a_tier_is_selected_by_the_marks_keyword(run):
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES], tier='pr')\n"
        "async def test_quick(model): return (await model('q')).answers('yes')\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES], tier='nightly')\n"
        "async def test_long(model): return (await model('q')).answers('yes')\n"
    )
    run("-m", "hypothesis(tier='pr')").assert_outcomes(passed=1, deselected=1)
    assert [result.node_id for result in run.record.results] == ["test_it.py::test_quick"]


PROPERTY = """
from hypothesis import given, strategies as st
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
class TestIt:
    async def test_ours(self, model):
        return (await model("q")).answers("yes")

    @given(st.integers())
    def test_property(self, number):
        assert number == number
"""


@pytest.mark.parametrize(
    ("expression", "n"),
    [("", 2), ("hypothesis", 2), ("velo", 1), ("not velo", 1)],
)
def test_hazard_23_a_class_mark_leaves_property_tests_alone(run, expression, n):
    run.file(PROPERTY)
    result = run(*(["-m", expression] if expression else []))
    result.assert_outcomes(passed=n, deselected=2 - n)
    assert run.n_runs == (0 if expression == "not velo" else 1)


@pytest.mark.parametrize(
    ("expression", "names"),
    [("velo", ["test_h"]), ("not velo", ["test_plain"]), ("velo or not velo", ["test_h", "test_plain"])],
)
def test_defaults_for_a_module_make_no_hypothesis_of_its_plain_tests(run, expression, names):
    run.file(
        "pytestmark = pytest.mark.velo(models=[YES])\n"
        "@pytest.mark.hypothesis(rate >= 0.5)\n" + BODY + "def test_plain(): pass\n"
    )
    result = run("-m", expression, "-v")
    result.assert_outcomes(passed=len(names), deselected=2 - len(names))
    for name in names:
        result.stdout.fnmatch_lines([f"*::{name} *"])


def test_hazard_23_a_module_mark_leaves_property_tests_alone(run):
    run.file(
        "from hypothesis import given, strategies as st\n"
        "pytestmark = pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "@given(st.integers())\ndef test_property(number): assert number == number\n" + BODY
    )
    run().assert_outcomes(passed=2)
    assert [result.node_id for result in run.record.results] == ["test_it.py::test_h"]


def test_a_property_test_with_our_mark_of_its_own(run):
    refused(
        run,
        "from hypothesis import given, strategies as st\n"
        "@pytest.mark.hypothesis(rate >= 0.5)\n@given(st.integers())\n"
        "def test_h(number): assert number == number\n",
        "*test_it.py::test_h (line *a property test (@given) cannot be a hypothesis too",
        "*fix: drop @given and give the strategy as cases=, or drop the mark's claim",
    )


def test_a_property_test_that_asks_for_a_fixture_of_ours(run):
    refused(
        run,
        "from hypothesis import given, strategies as st\n"
        "@given(st.integers())\ndef test_h(model, number): assert model(str(number))\n",
        "*test_it.py::test_h (line *a property test (@given) uses our fixture 'model'",
        "*fix: write a hypothesis (without @given) and give the strategy as cases=",
    )


def test_mistakes_in_the_functions_of_a_module_are_told_at_once_and_alike_ones_once(run):
    run.file("""
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], multiplicity="holm")
async def test_keyword(model):
    return "yes" in await model("?")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=["a"])
async def test_unused(model):
    return "yes" in await model("?")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=["a"])
async def test_unused_too(model):
    return "yes" in await model("?")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_well(model):
    return "yes" in await model("?")

def test_plain():
    pass
""")
    result = run()
    result.assert_outcomes(errors=1)
    said = result.stdout.str().partition("short test summary info")[0]
    assert said.count("has no keyword 'multiplicity'") == 1
    assert "test_it.py::test_unused (line 10), and 1 more: the cases cannot matter" in said
    assert "test_well" not in said


def test_what_else_is_wrong_with_a_module_does_not_hide_its_mistakes(run):
    run.file("""
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], multiplicity="holm")
async def test_keyword(model):
    return "yes" in await model("?")

@pytest.mark.parametrize("nothing", [1])
def test_of_pytest():
    pass
""")
    result = run()
    result.assert_outcomes(errors=1)
    assert "function uses no argument 'nothing'" in result.stdout.str()
    assert "has no keyword 'multiplicity'" in result.stdout.str()


def test_what_differs_from_trial_to_trial_is_not_asked_for_by_a_mark(run):
    run.file("""
@pytest.mark.usefixtures("case")
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=["a"])
async def test_it(model):
    return "yes" in await model("?")
""")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*usefixtures('case') sets up, once, what differs*", "*make `case` an argument*"]
    )
    assert "site-packages" not in result.stdout.str()
