"""Handing in: consent to a sum, nothing twice, nothing lost, whatever happens on the way."""

from __future__ import annotations

import os

import pytest

from pytest_velo.batches.book import Book
from pytest_velo.batches.entry import BatchState
from pytest_velo.batches.finding import SETTLES_S, find_lost, set_aside
from pytest_velo.batches.opening import open_service
from pytest_velo.batches.submission import quote
from pytest_velo.errors import StoreError, TransientError, UsageError, VeloError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.settings import BUILTIN_ENDPOINTS
from support.batch_server import Job

from .conftest import Office


def lost(office: Office):
    return office.at_desk(find_lost)


def broken(office: Office, *, arrives: bool):
    """Submit while the server dies at the creation of the batch, before or after it exists."""

    def created(job):
        if not arrives:
            office.server.jobs.remove(job)
        raise ConnectionError

    office.server.created = created
    wanted = office.wants(3)
    with pytest.raises(VeloError) as caught:
        office.submit(wanted)
    office.server.created = lambda _: None
    return wanted, caught.value


def test_what_is_under_way_is_not_submitted_again(office):
    wanted = office.wants(3)
    office.submit(wanted[:2])
    again = office.submit([*wanted, wanted[2]])
    assert (again.n_sent, again.n_waiting) == (1, 2)
    assert office.server.n_batched == 3


def test_a_lost_answer_is_said_and_nothing_is_sent_again_by_itself(office):
    wanted, error = broken(office, arrives=True)
    assert isinstance(error, TransientError)
    assert "velo batch status" in error.fix
    (batch,) = office.batches()
    assert (batch.state, batch.remote) == (BatchState.SENDING, "")
    assert office.submit(wanted).n_sent == 0


def test_a_batch_whose_answer_was_lost_is_found_by_its_name(chat):
    wanted, _ = broken(chat, arrives=True)
    assert lost(chat) == []
    (batch,) = chat.batches()
    assert (batch.state, batch.remote) == (BatchState.UNDER_WAY, "batch_0")
    chat.look()
    assert chat.stored(wanted) == [chat.says(each) for each in wanted]
    assert len(chat.server.jobs) == 1


def test_a_batch_without_metadata_is_found_by_its_results_once_it_has_ended(messages):
    wanted, _ = broken(messages, arrives=True)
    (unsure,) = lost(messages)
    assert "msgbatch_0" in unsure.problem
    assert messages.submit(wanted).n_sent == 0

    async def end(desk):
        await desk.service_of(messages.endpoint).look_up("msgbatch_0")

    messages.at_desk(end)
    assert lost(messages) == []
    messages.look()
    assert messages.stored(wanted) == [messages.says(each) for each in wanted]


def test_a_batch_of_somebody_else_is_not_taken_for_ours(messages):
    wanted, _ = broken(messages, arrives=False)
    theirs = [{"custom_id": f"row-{n}", "body": {"model": "tiny"}} for n in range(3)]
    job = Job(id="msgbatch_9", path="/v1/messages", requests=theirs, metadata={}, status="in_progress")
    messages.server.jobs.append(job)
    messages.now += SETTLES_S
    (unsure,) = lost(messages)
    assert "msgbatch_9" in unsure.problem

    async def end(desk):
        await desk.service_of(messages.endpoint).look_up("msgbatch_9")

    messages.at_desk(end)
    assert lost(messages) == []
    assert messages.batches()[0].state is BatchState.UNSENT
    assert messages.submit(wanted).n_sent == 3


def test_a_batch_that_never_arrived_is_known_not_to_be_there_a_minute_later(office):
    wanted, _ = broken(office, arrives=False)
    (unsure,) = lost(office)
    assert "look again in a minute" in unsure.problem
    assert office.submit(wanted).n_sent == 0
    office.now += SETTLES_S
    assert lost(office) == []
    assert office.batches()[0].state is BatchState.UNSENT
    assert office.submit(wanted).n_sent == 3


def test_what_cannot_be_told_is_submitted_again_only_where_that_is_asked_for(messages):
    wanted, _ = broken(messages, arrives=True)
    (unsure,) = lost(messages)

    async def give_up(desk):
        return set_aside(desk, unsure)

    assert messages.at_desk(give_up) == 3
    assert messages.submit(wanted).n_sent == 3
    assert len(messages.server.jobs) == 2


def test_what_comes_of_a_batch_that_was_set_aside_is_stored_where_nothing_is(chat):
    wanted = chat.wants(2)
    chat.submit(wanted)

    async def give_up(desk):
        (batch,) = desk.book.batches()
        return set_aside(desk, batch)

    chat.at_desk(give_up)
    chat.look()
    assert None not in chat.stored(wanted)


def test_a_batch_that_the_provider_refuses_is_not_sent(office):
    refusal = {"error": {"message": "no credit left", "type": "billing_error", "code": "insufficient_quota"}}
    route = office.server.route
    office.server.route = lambda method, path, *rest: (
        (402, refusal) if method == "POST" and path.endswith("/batches") else route(method, path, *rest)
    )
    wanted = office.wants(2)
    with pytest.raises(VeloError, match="no credit left"):
        office.submit(wanted)
    (batch,) = office.batches()
    assert (batch.state, batch.n_waiting) == (BatchState.UNSENT, 0)
    office.server.route = route
    assert office.submit(wanted).n_sent == 2


def test_another_process_that_is_sending_is_left_alone(chat):
    broken(chat, arrives=False)
    chat.now += SETTLES_S

    async def two(desk):
        (batch,) = desk.book.batches()
        with desk.lease(batch.name):
            return await find_lost(desk)

    (unsure,) = chat.at_desk(two)
    assert "another process" in unsure.problem


def test_the_budget_holds_for_the_worst_case_of_all_that_is_under_way(office):
    wanted = office.wants(4)
    worst = quote(wanted).batch_usd
    assert quote(wanted).live_usd == pytest.approx(2 * worst)
    office.capped(worst / 2 + 1e-12)
    submission = office.submit(wanted)
    assert (submission.n_sent, len(submission.over)) == (2, 2)

    async def reserved(desk):
        return desk.book.reserved_usd()

    assert office.at_desk(reserved) == pytest.approx(worst / 2)
    assert office.submit(wanted[2:], committed_usd=office.at_desk(reserved)).n_sent == 0
    office.look()
    assert office.at_desk(reserved) == 0.0


def test_an_unknown_price_is_not_taken_for_nothing(server, tmp_path):
    office = Office(server, tmp_path, "openai-chat", "batch=0.5")
    wanted = office.wants(2)
    assert quote(wanted).batch_usd is None
    office.capped(1.0)
    with pytest.raises(UsageError) as caught:
        office.submit(wanted)
    assert "price=IN/OUT" in caught.value.fix
    office.capped(None).submit(wanted)
    (look,) = office.look()
    assert office.draw(wanted[0]).reply.cost_usd is None
    assert look.batch.spent_usd is None


def test_the_list_knows_what_batches_of_well_known_models_cost():
    from pytest_velo.batches.entry import Wanted
    from pytest_velo.providers.registry import resolve
    from pytest_velo.records import Address

    def wanted(model):
        target = resolve(model)
        request = target.request([{"role": "user", "content": "q"}], {"max_tokens": 10})
        address = Address(key="k", seed=0, stream="", slot="s")
        return [Wanted(target=target, request=request, address=address)]

    for model in ("openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"):
        priced = quote(wanted(model))
        assert priced.batch_usd == pytest.approx(priced.live_usd / 2)
    retired = quote(wanted("anthropic/claude-3-haiku-20240307"))
    assert (retired.batch_usd, retired.unpriced) == (None, "anthropic/claude-3-haiku-20240307")
    assert retired.live_usd > 0


def test_the_key_must_be_there_before_anything_is_written_down(office, monkeypatch):
    monkeypatch.delenv("LAB_KEY")
    with pytest.raises(UsageError, match="LAB_KEY"):
        office.submit(office.wants(1))
    assert office.batches() == []


def test_what_is_sent_is_on_the_disk_first(chat):
    seen = []
    chat.server.created = lambda job: seen.append(
        [file.read_bytes() for file in (chat.settings.cache_dir / "batches").iterdir()]
    )
    chat.submit(chat.wants(2))
    assert seen == [[*chat.server.uploads.values()]]
    chat.look()
    assert [*(chat.settings.cache_dir / "batches").iterdir()] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_named(chat):
    (chat.settings.cache_dir / "batches").write_text("in the way")
    with pytest.raises(StoreError):
        chat.submit(chat.wants(1))


def test_a_file_in_the_way_is_named_and_nothing_is_sent(chat):
    (chat.settings.cache_dir / "batches").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        chat.submit(chat.wants(1))
    assert "batches" in caught.value.where
    assert chat.server.jobs == []
    assert chat.batches()[0].state is BatchState.UNSENT


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("vllm: api=openai-chat base_url=http://127.0.0.1:1/v1 price=1/1", "batch=0.5"),
        ("azure: api=azure base_url=http://127.0.0.1:1/v1 price=1/1", "made live"),
        ("claude: api=anthropic base_url=http://127.0.0.1:1 price=1/1", "batch=0.5"),
    ],
)
def test_an_endpoint_without_a_batch_api_is_refused_by_name(line, fix):
    endpoint = parse_endpoint(line, more_apis=["azure"])
    with pytest.raises(UsageError) as caught:
        open_service(endpoint)
    assert endpoint.name in caught.value.what
    assert fix in caught.value.fix


@pytest.mark.parametrize("api", ["local", "scripted"])
def test_models_inside_this_process_have_no_batches(api):
    with pytest.raises(UsageError, match=api):
        open_service(next(each for each in BUILTIN_ENDPOINTS if each.api == api))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x: api=openai-chat batch=0", "batch= cannot be read"),
        ("x: api=openai-chat batch=1.5", "batch= cannot be read"),
        ("x: api=scripted batch=0.5", "has no batch"),
    ],
)
def test_a_share_that_is_none_is_refused(line, said):
    with pytest.raises(UsageError, match=said):
        parse_endpoint(line)


def test_a_batch_to_an_endpoint_that_is_not_declared_any_more_is_named(chat):
    from dataclasses import replace

    chat.submit(chat.wants(1))
    chat.settings = replace(chat.settings, endpoints=BUILTIN_ENDPOINTS)
    (look,) = chat.look()
    assert "lab" in look.trouble.what
    assert look.batch.state is BatchState.UNDER_WAY


def test_two_processes_that_submit_the_same_share_it(chat):
    """The second finds each slot taken, whoever wrote it down first."""
    wanted = chat.wants(2)

    def meanwhile(_job):
        other = Book.open(chat.settings.cache_dir)
        taken.append([other.is_waited_for(each.address) for each in wanted])
        other.close()

    taken: list[list[bool]] = []
    chat.server.created = meanwhile
    chat.submit(wanted)
    assert taken == [[True, True]]
