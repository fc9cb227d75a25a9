"""Several draws of one request in one call: what the server is asked, what is billed, what is recorded."""

from __future__ import annotations

import pytest

HYPOTHESIS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=40, min_trials=40)
async def test_h(model):
    assert (await model("Yes or no?", max_tokens=5)).answers("yes")
"""


def choosing(lab, *, takes_n=True):
    """Answer as many choices as are asked for: yes, but every fourth no."""
    n_made = 0

    def answer(body):
        nonlocal n_made
        good = lab.reply(body)
        n = body.get("n", 1)
        if n > 1 and not takes_n:
            error = {"code": "unsupported_parameter", "param": "n", "message": "'n' is not supported"}
            return type(good)({"error": error}, 400)
        choice = good.body["choices"][0]
        texts = ["no" if (n_made + place) % 4 == 3 else "yes" for place in range(n)]
        n_made += n
        good.body["choices"] = [
            {**choice, "index": place, "message": {"role": "assistant", "content": text}}
            for place, text in enumerate(texts)
        ]
        good.body["usage"] = {"prompt_tokens": 10, "completion_tokens": n, "total_tokens": 10 + n}
        return good

    lab.answer = answer


@pytest.fixture
def bundled(run, lab):
    run.ini(f"velo_endpoints =\n    {lab.endpoint} n=8")
    run.file(HYPOTHESIS)
    return lab


def bill(lab):
    """Return the dollars of all calls, at a dollar the million tokens."""
    return sum(10 + body.get("n", 1) for body in lab.calls) * 1e-6


def test_draws_of_one_prompt_come_in_few_calls(run, bundled):
    choosing(bundled)
    assert run("-m", "velo").ret == 0
    result = run.record["test_h"]
    assert result.decision.evidence.n == 40
    assert sum(body.get("n", 1) for body in bundled.calls) >= 40
    assert len(bundled.calls) <= 10
    assert all("seed" not in body for body in bundled.calls if body.get("n", 1) > 1)
    assert result.cost_usd == pytest.approx(bill(bundled))
    calls = [trial.calls[0] for trial in result.trials]
    assert len({call.address.slot for call in calls}) == 40
    together = [call.reply for call in calls if "seed" in call.reply.not_honoured]
    assert len(together) >= 36
    assert {reply.usage.output_tokens for reply in together} == {None}
    assert sum(trial.kind == "zero" for trial in result.trials) == pytest.approx(10, abs=2)


def test_what_came_together_is_replayed_one_by_one(run, bundled):
    choosing(bundled)
    run("-m", "velo")
    made, n_calls = run.record["test_h"], len(bundled.calls)
    assert run("-m", "velo", "--velo-mode=replay").ret == 0
    assert len(bundled.calls) == n_calls
    read = run.record["test_h"]
    assert [trial.kind for trial in read.trials] == [trial.kind for trial in made.trials]
    assert read.cost_usd == 0.0


def test_a_model_that_takes_no_n_costs_one_refused_call(run, bundled):
    choosing(bundled, takes_n=False)
    assert run("-m", "velo").ret == 0
    asked = [body.get("n", 1) for body in bundled.calls]
    assert sum(n > 1 for n in asked) <= 8, "those that were under way at the same moment"
    assert asked.count(1) >= 40
    assert all("seed" in body for body in bundled.calls if "n" not in body)
    assert run.outcomes == ["supported"]


def test_the_budget_counts_every_choice(run, bundled):
    choosing(bundled)
    result = run("-m", "velo", "--velo-budget=0.0001")
    assert run.record["test_h"].decision.stop == "budget", result.stdout.str()
    assert bill(bundled) <= 0.0001 * 1.1


def test_n_of_an_api_without_it_is_a_usage_error(run, lab):
    run.ini("velo_endpoints =\n    there: api=anthropic n=8")
    run.file(HYPOTHESIS)
    result = run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*api=anthropic has no n*", "*leave n= out, or use api=openai-chat*"])
