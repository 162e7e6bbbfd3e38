"""Calls are bounded in pages, retries, time and concurrency, and each tells how it fared."""

import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, HTTPClientError, PaginationError, ReadTimeoutError
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from apps.aws import calls
from apps.aws.calls import AHEAD, Failed, Fed, Reach
from apps.aws.failures import EndpointRefusedError, OutOfTimeError, SuspendedError
from apps.aws.wire import plain, utc
from apps.mirror.provider import Health
from apps.mirror.together import threads
from tests.flight import Fault, Flight

LIST = "codepipeline:ListPipelines"
STATE = "codepipeline:GetPipelineState"
SLOW_DOWN = Fault("ThrottlingException", "Rate exceeded")
DENIED = Fault("AccessDeniedException", "no")
ENDPOINT = "https://codepipeline.eu-west-1.amazonaws.com"


@pytest.fixture
def slept(monkeypatch):
    """How long was waited, which takes no time."""
    pauses: list[float] = []
    monkeypatch.setattr(calls.time, "sleep", pauses.append)
    return pauses


class Pace:
    """A throttle that writes down what it is asked and told."""

    def __init__(self, wait: float = 0.0) -> None:
        self.wait = wait
        self.told: list[str] = []

    def before(self, api: str) -> float:
        self.told.append(f"before {api}")
        return self.wait

    def throttled(self, api: str) -> None:
        self.told.append(f"throttled {api}")

    def succeeded(self, api: str) -> None:
        self.told.append(f"succeeded {api}")


# --- One call -------------------------------------------------------------------------------------


def test_a_call_returns_the_parsed_answer_with_times_in_utc():
    when = 1767603600.123
    flight = Flight().on(LIST, {"pipelines": [{"name": "shop", "updated": when}]})
    found = flight.reach().call(LIST, maxResults=5)
    assert found["pipelines"][0]["updated"] == datetime.fromtimestamp(when, UTC)
    assert found["pipelines"][0]["updated"].tzinfo is UTC
    assert flight.asked == [(LIST, {"maxResults": 5})]


@pytest.mark.parametrize(
    "trouble",
    [
        SLOW_DOWN,
        Fault("InternalFailure", status=500),
        Fault("ServiceUnavailable", status=503),
        Fault.page(502),
        Fault("Whatever", status=429),
        ReadTimeoutError(endpoint_url=ENDPOINT),
        HTTPClientError(error=OSError("reset")),
    ],
    ids=str,
)
def test_what_passes_is_tried_again_with_growing_pauses(slept, trouble):
    flight = Flight().script(LIST, trouble, trouble, trouble, {"pipelines": []})
    reach = flight.reach()
    assert reach.call(LIST)["pipelines"] == []
    assert len(flight.asked) == 4
    assert 0.2 <= slept[0] <= 0.4 <= slept[1] <= 0.8 <= slept[2] <= 1.6
    assert reach.outcomes[LIST].failures == 0


def test_retries_end(slept):
    flight = Flight().on(LIST, SLOW_DOWN)
    with pytest.raises(ClientError):
        flight.reach().call(LIST)
    assert len(flight.asked) == calls.ATTEMPTS == 4


@pytest.mark.parametrize(
    "trouble",
    [
        DENIED,
        Fault("ValidationException", "no"),
        Fault("PipelineNotFoundException", "no"),
        Fault.page(500),
        Fault.page(404),
        HTTPClientError(error=EndpointRefusedError("this endpoint may not be asked")),
    ],
    ids=str,
)
def test_what_does_not_pass_is_not_tried_again(slept, trouble):
    flight = Flight().on(LIST, trouble)
    with pytest.raises((ClientError, HTTPClientError)):
        flight.reach().call(LIST)
    assert len(flight.asked) == 1
    assert slept == []


def test_a_call_waits_as_the_pace_asks_and_tells_it_how_it_went(slept):
    pace = Pace(0.25)
    flight = Flight().script(LIST, SLOW_DOWN, {"pipelines": []})
    flight.reach(throttle=pace).call(LIST)
    assert pace.told == [
        f"before {LIST}",
        f"throttled {LIST}",
        f"before {LIST}",
        f"succeeded {LIST}",
    ]
    assert slept[0] == slept[2] == 0.25


def test_calls_end_when_the_budget_of_a_sweep_is_spent(slept):
    flight = Flight().on(LIST, {"pipelines": []})
    reach = flight.reach(budget=5, throttle=Pace(6))
    with pytest.raises(OutOfTimeError) as ended:
        reach.call(LIST)
    assert ended.value.dash_operation == LIST
    assert (flight.asked, slept) == ([], [])


def test_retries_end_when_the_budget_is_spent(slept):
    flight = Flight().on(LIST, SLOW_DOWN)
    # To make the client takes longer on a busy machine than there is time for the call.
    flight.client("codepipeline")
    with pytest.raises(OutOfTimeError):
        flight.reach(budget=0.1).call(LIST)
    assert len(flight.asked) == 1


def test_an_operation_that_fails_alike_three_times_is_not_called_again(slept):
    flight = Flight().on(STATE, DENIED)
    reach = flight.reach()
    for _ in range(3):
        with pytest.raises(ClientError):
            reach.call(STATE, name="shop")
    # Whoever reads another kind through this reach begins its outcomes anew.
    reach.outcomes = {}
    with pytest.raises(SuspendedError) as refused:
        reach.call(STATE, name="shop")
    assert refused.value.failure.health is Health.DENIED
    assert len(flight.asked) == 3


def test_an_operation_that_fails_differently_or_works_between_goes_on(slept):
    other = Fault("ValidationException", "odd")
    fine = {"pipelines": []}
    flight = Flight().script(LIST, DENIED, DENIED, other, DENIED, DENIED, fine, DENIED, DENIED)
    reach = flight.reach()
    for _ in range(8):
        reach.detail(LIST)
    assert len(flight.asked) == 8


def test_that_one_thing_is_gone_says_nothing_bad_of_the_operation():
    flight = Flight().on(STATE, Fault("PipelineNotFoundException", "gone"))
    reach = flight.reach()
    for _ in range(5):
        with pytest.raises(ClientError):
            reach.call(STATE, name="shop")
    outcome = reach.outcomes[STATE]
    assert (outcome.successes, outcome.failures, outcome.failure) == (5, 0, None)


def test_that_a_call_does_not_apply_says_nothing_bad_of_the_operation(slept):
    refused = Fault("InvalidRequestException", "GetPipelineState is not supported.")
    flight = Flight().on(STATE, refused)
    reach = flight.reach()
    unless = frozenset({"InvalidRequestException"})
    assert [reach.call_unless(unless, STATE, name="shop") for _ in range(5)] == [None] * 5
    outcome = reach.outcomes[STATE]
    assert (outcome.successes, outcome.failures, outcome.failure) == (5, 0, None)
    flight.on(STATE, DENIED)
    with pytest.raises(ClientError):
        reach.call_unless(unless, STATE, name="shop")
    assert outcome.failure.health is Health.DENIED


def test_outcomes_tell_the_last_success_and_the_last_failure(slept):
    flight = Flight().script(LIST, {"pipelines": []}, DENIED)
    reach = flight.reach()
    reach.call(LIST)
    assert reach.detail(LIST) is None
    outcome = reach.outcomes[LIST]
    assert (outcome.successes, outcome.failures) == (1, 1)
    assert outcome.failure.health is Health.DENIED
    assert outcome.succeeded_at <= outcome.failed_at


# --- Details --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [DENIED, Fault.page(500), ReadTimeoutError(endpoint_url=ENDPOINT)], ids=str
)
def test_a_detail_that_cannot_be_had_is_none_and_told(slept, trouble):
    flight = Flight().on(STATE, trouble)
    reach = flight.reach()
    assert reach.detail(STATE, name="shop") is None
    assert reach.outcomes[STATE].failures == 1


def test_a_detail_of_a_suspended_operation_costs_no_call():
    flight = Flight().on(STATE, DENIED)
    reach = flight.reach()
    assert [reach.detail(STATE, name="shop") for _ in range(10)] == [None] * 10
    assert len(flight.asked) == 3


def test_a_call_in_the_wrong_shape_is_our_mistake_and_told():
    flight = Flight()
    reach = flight.reach()
    assert reach.detail(STATE, nam="shop") is None
    assert reach.outcomes[STATE].failure.code == "ParamValidationError"


# --- Pages ----------------------------------------------------------------------------------------


def names(pages):
    return [pipeline["name"] for page in pages for pipeline in page["pipelines"]]


def test_pages_follow_the_token_to_the_end():
    def answer(params):
        at = int(params.get("nextToken", "0"))
        more = {"nextToken": str(at + 1)} if at < 2 else {}
        return {"pipelines": [{"name": f"p{at}"}], **more}

    flight = Flight().on(LIST, answer)
    assert names(flight.reach().pages(LIST, maxResults=1)) == ["p0", "p1", "p2"]
    assert all(params["maxResults"] == 1 for _, params in flight.asked)


@pytest.mark.parametrize("token", ["", None])
def test_an_empty_token_is_the_end(token):
    answer = {"pipelines": [{"name": "p"}], **({} if token is None else {"nextToken": token})}
    flight = Flight().on(LIST, answer)
    assert names(flight.reach().pages(LIST)) == ["p"]


def test_an_operation_without_pages_is_one_page():
    flight = Flight().on(STATE, {"stageStates": []})
    assert len(list(flight.reach().pages(STATE, name="shop"))) == 1


def test_a_list_that_is_cut_off_raises_in_the_middle(slept):
    flight = Flight().script(LIST, {"pipelines": [{"name": "p"}], "nextToken": "x"}, DENIED)
    pages = flight.reach().pages(LIST)
    assert names([next(pages)]) == ["p"]
    with pytest.raises(ClientError):
        next(pages)


def test_a_list_that_turns_in_circles_raises_and_is_never_taken_for_whole():
    flight = Flight().on(LIST, {"pipelines": [{"name": "p"}], "nextToken": "same"})
    with pytest.raises(PaginationError, match="same token"):
        list(flight.reach().pages(LIST))
    assert len(flight.asked) == 2


def test_a_list_without_an_end_raises(monkeypatch):
    monkeypatch.setattr(calls, "MOST_PAGES", 3)
    tokens = iter(range(100))
    flight = Flight().on(LIST, lambda _: {"pipelines": [], "nextToken": str(next(tokens))})
    with pytest.raises(PaginationError, match="more than 3 pages"):
        list(flight.reach().pages(LIST))


# --- Many at once ---------------------------------------------------------------------------------


def test_each_runs_many_at_once_but_no_more_than_allowed():
    together = threading.Barrier(4, timeout=5)
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def work(item):
        with lock:
            running.append(item)
            most.append(len(running))
        together.wait()
        with lock:
            running.remove(item)
        return item * 10

    reach = Flight().reach(at_once=4)
    found = dict(reach.each(range(12), work))
    reach.close()
    assert found == {item: item * 10 for item in range(12)}
    assert max(most) == 4


def test_each_yields_what_is_ready_first():
    late = threading.Event()

    def work(item):
        if item == "slow":
            assert late.wait(5)
        return item

    reach = Flight().reach()
    found = []
    for item, _ in reach.each(["slow", "quick"], work):
        found.append(item)
        late.set()
    reach.close()
    assert found == ["quick", "slow"]


def test_a_failure_of_one_is_its_own_result():
    def answer(params):
        return DENIED if params["name"] == "b" else {"pipelineName": params["name"]}

    flight = Flight().on(STATE, answer)
    reach = flight.reach()
    found = dict(reach.each("abc", lambda name: reach.call(STATE, name=name)))
    assert isinstance(found["b"], Failed)
    assert found["b"].failure.health is Health.DENIED
    assert (found["a"]["pipelineName"], found["c"]["pipelineName"]) == ("a", "c")


def test_each_reads_no_further_ahead_than_it_is_read():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    reach = Flight().reach(at_once=2)
    pairs = reach.each(items(), lambda item: item)
    next(pairs)
    assert len(taken) <= 2 * AHEAD
    pairs.close()
    reach.close()
    assert len(taken) <= 2 * AHEAD


def test_who_stops_reading_early_starts_nothing_more():
    begun: list[int] = []
    go = threading.Event()

    def work(item):
        begun.append(item)
        if item:
            go.wait(5)

    reach = Flight().reach(at_once=1)
    pairs = reach.each(range(3), work)
    next(pairs)
    pairs.close()
    go.set()
    reach.close()
    assert 2 not in begun


def test_what_is_fed_while_each_works_comes_next():
    reach = Flight().reach(at_once=1)
    items = Fed(range(100))
    seen = []
    for item, _ in reach.each(items, lambda item: item):
        seen.append(item)
        if item == 0:
            items.feed(1000)
        if item == 99:
            # Also where all others are done.
            items.feed(2000)
    assert seen[-1] == 2000
    assert seen.index(1000) <= AHEAD
    assert len(seen) == 102


def test_a_reach_without_time_left_says_so_and_which_call_it_did_not_make():
    reach = Flight().on(STATE, {"pipelineName": "a"}).reach(budget=-1.0)
    assert not reach.spent
    with pytest.raises(OutOfTimeError):
        reach.call(STATE, name="a")
    assert reach.spent
    told = reach.outcomes[STATE].failure
    assert (told.health, told.code) == (Health.THROTTLED, "OutOfTimeError")
    assert "goes on where this one stopped" in told.cure


def test_each_of_nothing_is_nothing():
    assert list(Flight().reach().each([], lambda item: item)) == []


def test_a_closed_reach_begins_nothing_more_and_may_be_closed_twice():
    begun: list[int] = []
    go = threading.Event()

    def work(item):
        begun.append(item)
        if item:
            go.wait(5)

    threads.cache_clear()
    reach = Flight().reach(at_once=1, name="closing")
    pairs = reach.each(range(3), work)
    next(pairs)
    reach.close()
    reach.close()
    go.set()
    threads().shutdown(wait=True)
    threads.cache_clear()
    assert 2 not in begun


def test_reaches_share_their_threads():
    threads.cache_clear()
    for _ in range(20):
        reach = Flight().reach(at_once=2)
        assert len(list(reach.each(range(9), lambda item: item))) == 9
        reach.close()
    assert len(threads()._threads) < 10


def test_the_same_reach_counts_right_from_many_threads():
    flight = Flight().on(STATE, {"stageStates": []})
    reach = flight.reach()
    list(reach.each(range(200), lambda n: reach.call(STATE, name=str(n))))
    assert reach.outcomes[STATE].successes == len(flight.asked) == 200


# --- Words and times ------------------------------------------------------------------------------


def test_an_arn_is_composed_in_the_partition_of_the_account():
    reach = Reach(account="123456789012", region="cn-north-1", client=None, partition="aws-cn")
    assert reach.arn("codepipeline", "shop") == (
        "arn:aws-cn:codepipeline:cn-north-1:123456789012:shop"
    )


# Milliseconds, from 1971 to 2200.
moments = st.integers(32 * 10**9, 7258 * 10**9).map(
    lambda moment: (
        datetime.fromtimestamp(moment // 1000, UTC) + timedelta(milliseconds=moment % 1000)
    )
)


@given(moment=moments)
def test_times_are_read_as_botocore_reads_them_whatever_their_shape(moment):
    seconds = moment.timestamp()
    shapes = [
        seconds,
        int(seconds),
        str(seconds),
        moment.isoformat(),
        moment.isoformat().replace("+00:00", "Z"),
        moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        moment.astimezone().isoformat(),
    ]
    for shape in shapes:
        ours = utc(shape)
        assert ours == parse_timestamp(shape)
        assert ours.utcoffset() == timedelta(0)


def test_gmt_is_utc_where_london_is_local_time():
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/London"
    time.tzset()
    try:
        summer = utc("Wed, 01 Jul 2026 12:00:00 GMT")
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
    assert summer == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def test_a_time_without_a_zone_is_utc():
    assert utc("2026-01-05T09:00:00") == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("odd", ["", "soon", "1e400", "99999999999999"])
def test_what_is_no_time_raises_what_botocore_takes_for_an_unreadable_answer(odd):
    with pytest.raises((ValueError, OverflowError)):
        utc(odd)


def test_plain_is_what_json_holds():
    moment = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    given_ = {"at": moment, "raw": b"\xff", 7: (1, {"deep": [moment]}), "none": None, "no": False}
    assert plain(given_) == {
        "at": "2026-01-05T09:00:00+00:00",
        "raw": "�",
        "7": [1, {"deep": ["2026-01-05T09:00:00+00:00"]}],
        "none": None,
        "no": False,
    }
    assert plain({"set": {1}}) == {"set": [1]}


# --- The log --------------------------------------------------------------------------------------


def test_the_log_says_what_was_called_and_nothing_of_what_was_said(caplog, slept):
    secret = "AKIAIOSFODNN7EXAMPLE"
    flight = Flight()
    flight.on(STATE, {"stageStates": [{"stageName": "secret-stage-answer"}]})
    message = f"User {secret} is not authorized to perform: {LIST}"
    flight.on(LIST, Fault("AccessDeniedException", message))
    reach = flight.reach(name="111122223333/eu-west-1")
    with caplog.at_level(logging.DEBUG, "apps"):
        reach.call(STATE, name="secret-parameter")
        reach.detail(LIST)
    records = [record for record in caplog.records if record.name == "apps.aws.calls"]
    assert [record.api for record in records] == [STATE, LIST]
    assert all(record.scope == "111122223333/eu-west-1" for record in records)
    assert all(record.request_id.startswith("6f5c1f0e") for record in records)
    assert (records[1].error, records[1].health) == ("AccessDeniedException", "denied")
    told = " ".join(str(record.__dict__) for record in records)
    for word in (secret, "secret-parameter", "secret-stage-answer", "testing"):
        assert word not in told
    assert secret not in reach.outcomes[LIST].failure.message
