"""Where pytest meets the rest: collection, sampling, reports.

Every pytest start loads `plugin.py`, which calls the names below. The modules behind them are loaded only
when an option was set or a hypothesis was collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.integration.body import client_of as client_of
    from pytest_velo.integration.body import judge_of as judge_of
    from pytest_velo.integration.body import model_of as model_of
    from pytest_velo.integration.body import per_trial as per_trial
    from pytest_velo.integration.body import strategy_of as strategy_of
    from pytest_velo.integration.body import velo_of as velo_of
    from pytest_velo.integration.collect.assumptions import put_first as put_first
    from pytest_velo.integration.collect.checks import our_checks as our_checks
    from pytest_velo.integration.collect.items import before_collection as before_collection
    from pytest_velo.integration.collect.items import generate as generate
    from pytest_velo.integration.collect.items import hide_defaults as hide_defaults
    from pytest_velo.integration.collect.items import prepare_all as prepare_all
    from pytest_velo.integration.collect.items import warn_of as warn_of
    from pytest_velo.integration.collect.late import take_in_late as take_in_late
    from pytest_velo.integration.collect.mistakes import refuse as refuse
    from pytest_velo.integration.collect.mistakes import tell_with_report as tell_with_report
    from pytest_velo.integration.github import add_step_summary as add_step_summary
    from pytest_velo.integration.github import annotate as annotate
    from pytest_velo.integration.leaving import Leaving as Leaving
    from pytest_velo.integration.report import adapt_report as adapt_report
    from pytest_velo.integration.report import status_of as status_of
    from pytest_velo.integration.report import write_summary as write_summary
    from pytest_velo.integration.report import write_summary_alone as write_summary_alone
    from pytest_velo.integration.run.item import run_if_ours as run_if_ours
    from pytest_velo.integration.run.pool import interrupt as interrupt
    from pytest_velo.integration.run.pool import start_pooling as start_pooling
    from pytest_velo.integration.startup import begin as begin
    from pytest_velo.integration.startup import session_of as session_of
    from pytest_velo.integration.startup import write_run as write_run
    from pytest_velo.integration.xdist import Controller as Controller

__getattr__ = lazily(
    __name__,
    {
        "Controller": "xdist",
        "Leaving": "leaving",
        "adapt_report": "report",
        "add_step_summary": "github",
        "annotate": "github",
        "before_collection": "collect.items",
        "begin": "startup",
        "client_of": "body",
        "generate": "collect.items",
        "hide_defaults": "collect.items",
        "interrupt": "run.pool",
        "judge_of": "body",
        "model_of": "body",
        "our_checks": "collect.checks",
        "per_trial": "body",
        "put_first": "collect.assumptions",
        "prepare_all": "collect.items",
        "refuse": "collect.mistakes",
        "run_if_ours": "run.item",
        "session_of": "startup",
        "start_pooling": "run.pool",
        "strategy_of": "body",
        "status_of": "report",
        "take_in_late": "collect.late",
        "tell_with_report": "collect.mistakes",
        "velo_of": "body",
        "warn_of": "collect.items",
        "write_run": "startup",
        "write_summary": "report",
        "write_summary_alone": "report",
    },
)
