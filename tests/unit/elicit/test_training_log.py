"""Logs of trainings: the formats they come in, and trainings that failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_velo.elicit import fine_tuned
from pytest_velo.elicit.training_log import read_log
from pytest_velo.errors import UsageError

FALLING = [(1, 2.0), (2, 1.5), (3, 1.0), (4, 0.5)]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


FORMATS = {
    "rows.csv": "step,loss,eval_accuracy\n" + "".join(f"{n},{loss},{n / 10}\n" for n, loss in FALLING),
    "rows.jsonl": "".join(
        json.dumps({"step": n, "loss": loss, "val_accuracy": n / 10}) + "\n" for n, loss in FALLING
    ),
    "trainer_state.json": json.dumps(
        {
            "global_step": 4,
            "log_history": [
                *({"step": n, "loss": loss, "learning_rate": 1e-5} for n, loss in FALLING),
                *({"step": n, "eval_loss": loss, "eval_accuracy": n / 10} for n, loss in FALLING),
                {"step": 4, "train_runtime": 12.5},
            ],
        }
    ),
    "events.jsonl": "".join(  # the newest first, as the API lists them
        json.dumps(
            {
                "object": "fine_tuning.job.event",
                "type": "metrics",
                "message": f"Step {n}/4",
                "data": {"step": n, "train_loss": loss, "full_valid_mean_token_accuracy": n / 10},
            }
        )
        + "\n"
        for n, loss in reversed(FALLING)
    ),
    "list.json": json.dumps(
        {
            "object": "list",
            "data": [
                {"data": {"step": n, "train_loss": loss, "valid_accuracy": n / 10}} for n, loss in FALLING
            ],
        }
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_log_is_read_in_the_order_of_its_steps(tmp_path, name):
    training = read_log(written(tmp_path / name, FORMATS[name]), where="rung")
    assert training.loss == (2.0, 0.5)
    assert training.accuracy == (0.1, 0.4)
    assert training.n == 4


def test_a_single_step_does_not_decide_whether_the_loss_fell(tmp_path):
    noisy = "".join(f"{n},{3 - n / 20 + (5 if n == 39 else 0)}\n" for n in range(40))
    first, last = read_log(written(tmp_path / "log.csv", f"step,loss\n{noisy}"), where="rung").loss
    assert first == pytest.approx(2.925)
    assert last == pytest.approx((1.2 + 1.15 + 1.1 + 6.05) / 4)


UNREADABLE = {
    "no loss": ("step,accuracy\n1,0.5\n", "has no loss"),
    "one row": ('{"step": 1, "loss": 2}', "has one row with a loss"),
    "empty": ("", "has no loss"),
    "diverged": ('{"step": 1, "loss": 2}\n{"step": 2, "loss": NaN}\n', "diverged"),
    "no number": ("step,loss\n1,high\n2,low\n", "cannot be read"),
    "half a line": ('{"step": 1, "loss": 2}\n{"step": 2, "lo', "cannot be read"),
    "no text": ("\x00\x01", "has no loss"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_log_that_tells_no_loss_is_an_error_with_the_formats_there_are(tmp_path, name):
    text, told = UNREADABLE[name]
    with pytest.raises(UsageError) as caught:
        read_log(written(tmp_path / "log.txt", text), where="fine_tuned(a/b)")
    assert told in caught.value.what
    assert caught.value.where == "fine_tuned(a/b)"
    assert "trainer_state.json" in caught.value.fix


def test_a_log_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        fine_tuned("a/b", "gone.csv").check(None, tmp_path)


def test_a_training_is_shown_and_one_that_failed_is_no_attempt(tmp_path):
    written(tmp_path / "good.csv", FORMATS["rows.csv"])
    [told] = fine_tuned("a/b", "good.csv", held_out=0.4).check(None, tmp_path)
    assert "from 2 to 0.5 in 4 rows" in told

    with pytest.raises(UsageError, match=r"ended at 0\.4, below held_out=0\.5"):
        fine_tuned("a/b", "good.csv", held_out=0.5).check(None, tmp_path)
    written(tmp_path / "rose.csv", "step,loss\n1,0.5\n2,0.6\n")
    with pytest.raises(UsageError, match="the loss did not fall") as caught:
        fine_tuned("a/b", "rose.csv").check(None, tmp_path)
    assert "skip=" in caught.value.fix
    written(tmp_path / "bare.csv", "step,loss\n1,0.6\n2,0.5\n")
    with pytest.raises(UsageError, match="no accuracy on held-out examples"):
        fine_tuned("a/b", "bare.csv", held_out=0.5).check(None, tmp_path)
    [told] = fine_tuned("a/b", "bare.csv").check(None, tmp_path)
    assert "no accuracy on held-out examples in the log" in told
    written(tmp_path / "fell.csv", "step,loss,eval_accuracy\n1,2,0.9\n2,1,0.7\n")
    [told] = fine_tuned("a/b", "fell.csv").check(None, tmp_path)
    assert "by heart" in told
    [told] = fine_tuned("a/b").check(None, tmp_path)
    assert "nothing says that its training worked" in told
