"""Which invocations of a log failed, and which of its lines say why."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.awslambda import collect, digest, load
from apps.awslambda.invocations import LINES, PATTERN, failure_record, invocations
from apps.awslambda.models import Failure, Function
from apps.mirror.ask import Ask, Covered, Parent
from apps.mirror.models import Scope
from apps.mirror.tasks import housekeeping
from apps.sandbox.logpattern import matcher
from tests.factories import make_user
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight

ID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
OTHER = "1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:mail"
MAIL = Parent(key="checkout-mail", arn=ARN, fields={"log_group": "", "timeout": 15})


def log(*messages: str, stream: str = "one") -> list[dict[str, Any]]:
    return [
        {"logStreamName": stream, "timestamp": 1_000 + at, "message": f"{message}\n"}
        for at, message in enumerate(messages)
    ]


def run(*messages: str, request: str = ID, status: str = "") -> list[dict[str, Any]]:
    return log(
        f"START RequestId: {request} Version: 7",
        *messages,
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: 15000.00 ms\tMax Memory Used: 8 MB{status}",
    )


def why(events: list[dict[str, Any]]) -> tuple[str, str]:
    [found] = [one for one in invocations(events) if one.failed]
    record = failure_record("mail", ARN, found)
    assert record.request_id == ID
    row = Failure(status=record.status, lines=record.lines, mark=record.mark)
    return record.status, digest.why_failure(row)


UNHANDLED = "[ERROR] KeyError: 'currency'\nTraceback (most recent call last):\n  File \"app.py\""


@pytest.mark.parametrize(
    ("messages", "status", "first"),
    [
        # Unhandled, as Python's runtime writes it.
        (("INFO begins", UNHANDLED), "error", "[ERROR] KeyError: 'currency'"),
        # Handled, as its logger writes it.
        (
            (f"[ERROR]\t2026-11-28T13:00:00.000Z\t{ID}\tthe shop answered 503",),
            "error",
            f"[ERROR]\t2026-11-28T13:00:00.000Z\t{ID}\tthe shop answered 503",
        ),
        # Of Node.js, and of Java.
        (
            (f"2026-11-28T13:00:00.000Z\t{ID}\tERROR\tInvoke Error \t{{}}",),
            "error",
            f"2026-11-28T13:00:00.000Z\t{ID}\tERROR\tInvoke Error \t{{}}",
        ),
        (
            ("java.lang.IllegalStateException: no rate\n\tat shop.Rates.of(Rates.java:8)",),
            "error",
            "java.lang.IllegalStateException: no rate",
        ),
        (
            ("waiting", f"2026-11-28T13:00:15.000Z {ID} Task timed out after 15.00 seconds"),
            "timeout",
            f"2026-11-28T13:00:15.000Z {ID} Task timed out after 15.00 seconds",
        ),
    ],
)
def test_an_invocation_says_why_it_failed(messages: Any, status: str, first: str):
    told = why(run(*messages))
    assert (told[0], told[1].split("\n")[0]) == (status, first)


def test_an_invocation_that_ended_well_is_none_though_another_in_its_stream_failed():
    events = [*run("[INFO] no error", request=OTHER), *run(UNHANDLED)]
    assert [one.failed for one in invocations(events)] == [False, True]


def test_what_lambda_says_in_its_report_counts_where_the_log_says_nothing():
    assert why(run("begins", status="\tStatus: timeout")) == ("timeout", "begins")
    assert why(run(status="\tStatus: error")) == ("error", "It failed; its log says no more.")


def test_logs_in_json_are_read_as_well():
    error = {
        "timestamp": "2026-11-28T13:00:00.000Z",
        "level": "ERROR",
        "requestId": ID,
        "errorType": "KeyError",
        "errorMessage": "'currency'",
        "stackTrace": ["  File app.py\n"],
    }
    told = [
        {"type": "platform.start", "record": {"requestId": ID}},
        {"level": "INFO", "message": "begins", "requestId": ID},
        error,
        {"type": "platform.report", "record": {"requestId": ID, "status": "error"}},
    ]
    status, lines = why(log(*map(json.dumps, told)))
    assert status == "error"
    assert lines.split("\n")[:2] == ["[ERROR] KeyError: 'currency'", "  File app.py"]


def test_streams_that_are_mixed_up_are_told_apart():
    mine, other = run(UNHANDLED), run("fine", request=OTHER)
    for event in other:
        event["logStreamName"] = "two"
    mixed = [event for pair in zip(mine, other, strict=True) for event in pair]
    assert {one.request_id: one.failed for one in invocations(mixed)} == {ID: True, OTHER: False}


def test_a_long_log_is_cut_around_the_line_that_tells():
    [found] = invocations(run(*["x" * 9_000] * 50, UNHANDLED, *["after"] * 50))
    record = failure_record("mail", ARN, found)
    assert len(record.lines) == LINES
    assert record.lines[record.mark].startswith("[ERROR] KeyError")
    assert max(map(len, record.lines)) <= 500


def test_a_function_costs_a_search_and_one_for_each_stream_that_tells_errors(full: Flight):
    found = list(collect.failures(full.reach(), Ask(parents=(MAIL,))))
    assert found[-1] == Covered("checkout-mail")
    [record] = found[:-1]
    assert (record.key, record.arn) == (f"checkout-mail:{ID}", f"{ARN}/{ID}")
    assert PLANTED not in repr(record)
    search, around = full.calls("logs:FilterLogEvents")
    assert '?"Task timed out"' in search["filterPattern"]
    assert "filterPattern" not in around
    assert len(around["logStreamNames"]) == 1


def test_a_function_that_never_ran_has_no_log_and_one_that_may_not_be_read_is_not_covered(
    full: Flight,
):
    full.on("logs:FilterLogEvents", Fault("ResourceNotFoundException", "no such group"))
    assert list(collect.failures(full.reach(), Ask(parents=(MAIL,)))) == [Covered("checkout-mail")]
    full.on("logs:FilterLogEvents", Fault("AccessDeniedException", "no"))
    assert list(collect.failures(full.reach(), Ask(parents=(MAIL,)))) == []


@pytest.mark.django_db
def test_the_functions_page_shows_the_lines_of_an_invocation_as_text():
    scope = Scope.objects.create(provider="aws", place=f"{ACCOUNT}/{REGION}")
    function = Function.objects.create(scope=scope, key="mail", arn=ARN, state="done")
    evil = "<script>alert(1)</script>\x1b[31m"
    Failure.objects.create(
        scope=scope,
        function=function,
        key=f"mail:{ID}",
        request_id=ID,
        state="failed",
        status="timeout",
        lines=["begins", evil],
        mark=1,
    )
    client = Client()
    client.force_login(make_user("platform-engineer"))
    html = client.get(function.get_absolute_url()).content.decode()
    section = html.partition('id="h-failures"')[2].partition("</section>")[0]
    assert f'id="failure-{ID}"' in section
    assert "log-line is-error" in section
    assert "&lt;script&gt;alert(1)" in section
    assert "\x1b" not in section


def test_lines_that_name_a_secret_are_kept_without_it():
    told = log(
        f"START RequestId: {ID} Version: 1",
        "[ERROR] login failed: password=hunter2",
        f"{'x' * 495} AKIAIOSFODNN7EXAMPLE",
        f"REPORT RequestId: {ID} Status: error",
    )
    (found,) = invocations(told)
    kept = "\n".join(failure_record("mail", ARN, found).lines)
    assert "[ERROR] login failed" in kept
    assert "hunter2" not in kept
    assert "AKIA" not in kept


def test_what_a_program_writes_itself_is_no_word_of_lambdas():
    deep = '{"a":' * 5_000
    own = json.dumps({"level": "ERROR", "message": "no stock", "record": {"requestId": OTHER}})
    told = log(f"START RequestId: {ID} Version: 1", deep, own, f"REPORT RequestId: {ID}")
    (found,) = invocations(told)
    assert (found.request_id, found.failed) == (ID, True)
    assert "[ERROR] no stock" in found.lines


@pytest.mark.django_db
def test_failed_invocations_are_forgotten_in_time_with_the_lines_of_their_logs():
    scope = Scope.objects.create(provider="aws", place=f"{ACCOUNT}/{REGION}")
    function = Function.objects.create(scope=scope, key="mail", arn=ARN, state="done")
    for days in (89, 91):
        Failure.objects.create(
            scope=scope, function=function, key=f"mail:{days}", at=now() - timedelta(days=days)
        )
    housekeeping()
    assert list(Failure.objects.values_list("key", flat=True)) == ["mail:89"]


class LongLog:
    """A log group that answers FilterLogEvents as AWS does: oldest first, a page at a time."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = sorted(events, key=lambda event: event["timestamp"])

    def __call__(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        begin, end = asked.get("startTime", 0), asked.get("endTime", 1 << 62)
        streams = asked.get("logStreamNames")
        found = [
            event
            for event in self.events
            if begin <= event["timestamp"] < end
            and (not streams or event["logStreamName"] in streams)
            and (not asked.get("filterPattern") or "ERROR" in event["message"])
        ]
        at = int(asked.get("nextToken", 0))
        page = found[at : at + asked["limit"]]
        more = {"nextToken": str(at + len(page))} if at + len(page) < len(found) else {}
        return {"events": page, **more}


def failing(request: str, seconds_ago: float, stream: str) -> list[dict[str, Any]]:
    at = int((now() - timedelta(seconds=seconds_ago)).timestamp() * 1000)
    events = run(f"[ERROR] {request} broke", request=request)
    return [
        {**event, "timestamp": at + place, "logStreamName": stream}
        for place, event in enumerate(events)
    ]


def many_failing(first: float, last: float, count: int, stream: str) -> list[dict[str, Any]]:
    """Failing invocations in a stream, evenly from `first` to `last` seconds ago."""
    step = (first - last) / count
    times = [first - step * number for number in range(count)]
    return [
        event for number, ago in enumerate(times) for event in failing(f"{number:08d}", ago, stream)
    ]


@pytest.mark.parametrize("last", [2, 60, 1_000])
def test_the_newest_failure_is_found_in_a_log_that_is_too_long_to_be_read(
    full: Flight, last: float
):
    older = many_failing(10_000, 2_000, 4_000, "2026/11/28/[$LATEST]a")
    log = LongLog(older + failing(OTHER, last, "2026/11/28/[$LATEST]b"))
    full.on("logs:FilterLogEvents", log)
    found = list(collect.failures(full.reach(), Ask(parents=(MAIL,))))[:-1]
    assert OTHER in {record.request_id for record in found}


def test_the_newest_failure_is_found_in_a_stream_that_is_too_long_to_be_read(full: Flight):
    stream = "2026/11/28/[$LATEST]a"
    calm = [
        {"logStreamName": stream, "timestamp": event["timestamp"], "message": "fine"}
        for event in many_failing(9_000, 60, 1_500, stream)
    ]
    log = LongLog(failing(ID, 9_500, stream) + calm + failing(OTHER, 30, stream))
    full.on("logs:FilterLogEvents", log)
    found = list(collect.failures(full.reach(), Ask(parents=(MAIL,))))[:-1]
    lines = {record.request_id: record.lines for record in found}
    assert lines == {ID: [f"[ERROR] {ID} broke"], OTHER: [f"[ERROR] {OTHER} broke"]}


def test_a_log_is_searched_in_a_bounded_number_of_calls(full: Flight):
    streams = [f"2026/11/28/[$LATEST]{name}" for name in "abcde"]
    events = [event for name in streams for event in many_failing(9_000, 1, 4_000, name)]
    full.on("logs:FilterLogEvents", LongLog(events))
    found = list(collect.failures(full.reach(), Ask(parents=(MAIL,))))
    assert len(found) > 1
    calls = len(full.calls("logs:FilterLogEvents"))
    assert calls <= len(collect.PASTS) * collect.PAGES + collect.STREAMS * 2 * collect.PAGES


def test_functions_that_share_a_log_group_have_their_own_failures(full: Flight):
    mail = Parent(key="mail", arn=ARN, fields={"log_group": "/shop/all", "timeout": 15})
    mine, others = "2026/11/28/mail[$LATEST]0a1b", "2026/11/28/checkout-mail[$LATEST]0a1b"
    full.on("logs:FilterLogEvents", LongLog(failing(ID, 60, mine) + failing(OTHER, 30, others)))
    found = list(collect.failures(full.reach(), Ask(parents=(mail,))))
    assert [record.request_id for record in found[:-1]] == [ID]


@pytest.mark.django_db
def test_failures_of_many_functions_are_loaded_in_one_query():
    scope = Scope.objects.create(provider="aws", place=f"{ACCOUNT}/{REGION}")
    functions = [
        Function.objects.create(scope=scope, key=name, arn=f"{ARN}-{name}", state="done")
        for name in ("mail", "sms")
    ]
    for function in functions:
        for number in range(load.FAILURES + 2):
            Failure.objects.create(
                scope=scope,
                function=function,
                key=f"{function.key}:{number}",
                request_id=str(number),
                state="failed",
                at=now() - timedelta(minutes=number),
            )
    found = load.function_page([one.pk for one in functions])
    for one in functions:
        told = [failure.request_id for failure in found[one.pk]["failures"]]
        assert told == [str(number) for number in range(load.FAILURES)]


def told_in_json(*told: dict[str, Any]) -> list[dict[str, Any]]:
    return log(*map(json.dumps, told))


BEGINS: dict[str, Any] = {"type": "platform.start", "record": {"requestId": ID}}


def test_what_a_program_calls_its_own_requests_begins_no_other_invocation():
    theirs = {"level": "INFO", "requestId": "apigw-77", "message": "GET /cart"}
    events = told_in_json(BEGINS, theirs, {"level": "ERROR", "message": "boom"})
    events += log(f"REPORT RequestId: {ID} Status: error")
    (found,) = invocations(events)
    assert (found.request_id, found.failed) == (ID, True)
    assert found.lines == ["[INFO] GET /cart", "[ERROR] boom"]


def test_an_invocation_whose_beginning_was_not_read_is_named_by_what_it_wrote():
    events = told_in_json({"level": "ERROR", "requestId": ID, "message": "boom"})
    (found,) = invocations(events)
    assert (found.request_id, found.failed) == (ID, True)


def test_a_search_finds_how_lambda_reports_a_timeout_in_json():
    report = {"requestId": ID, "metrics": {"durationMs": 15000.0}, "status": "timeout"}
    written = json.dumps({"type": "platform.report", "record": report}, separators=(",", ":"))
    assert matcher(PATTERN)(written)
    assert not matcher(PATTERN)(written.replace("timeout", "success"))
    [found] = invocations(told_in_json(BEGINS) + log(written))
    assert found.status == "timeout"


def test_a_private_key_in_a_log_is_kept_by_nobody():
    body = "MIIEpAIBAAKCAQEAx0+b1TpZ"
    key = [f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n{body}\n-----END RSA PRIVATE KEY-----"]
    for before in (0, 30):
        events = run(*["x"] * before, *key, "[ERROR] signing failed", status=" Status: error")
        (found,) = [one for one in invocations(events) if one.failed]
        record = failure_record("mail", ARN, found)
        assert body not in "\n".join(record.lines)
        assert record.lines[record.mark] == "[ERROR] signing failed"
