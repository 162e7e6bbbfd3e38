"""A log is read while somebody watches, by one reader, and says what keeps it from being read."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils.timezone import now

from apps.aws import calls
from apps.codebuild import follow, looks, tasks
from apps.codebuild.lines import follower_of, store_of
from apps.codebuild.models import Build
from apps.mirror.linestore import Contents
from apps.mirror.models import Change, Operation, Scope
from apps.mirror.state import State
from tests.codebuild.conftest import FLIGHTS
from tests.flight import PLANTED, Fault, Flight

KEY = "checkout-build:8745a7a9-c340-456a-9166-edf953571bee"


def make(scope: Scope, status: str = "IN_PROGRESS", **more: Any) -> Build:
    states = {"IN_PROGRESS": State.MOVING, "FAILED": State.FAILED, "SUCCEEDED": State.DONE}
    ended = None if status == "IN_PROGRESS" else now() - timedelta(hours=1)
    values: dict[str, Any] = {
        "scope": scope,
        "key": KEY,
        "arn": f"arn:aws:codebuild:eu-west-1:111122223333:build/{KEY}",
        "project_name": "checkout-build",
        "status": status,
        "state": states[status],
        "started_at": now() - timedelta(hours=2),
        "ended_at": ended,
        "logs": {"group": "/builds/checkout", "stream": "8745a7a9", "cloudwatch_status": "ENABLED"},
    }
    return Build.objects.create(**{**values, **more})


def growing(*bites: list[str]) -> Flight:
    """A log that has one more bite each time its end is asked for."""
    shown: list[list[str]] = []
    left = list(bites)

    def answer(params: Any) -> dict[str, Any]:
        at = int(params["nextToken"][2:]) if "nextToken" in params else 0
        if at == len(shown) and left:
            shown.append(left.pop(0))
            following = at
            # What has just been written is seen by the next call.
            return {"events": [], "nextForwardToken": f"f/{following}"}
        events = [
            {"timestamp": 1, "message": f"{line}\n", "ingestionTime": 2}
            for chunk in shown[at:]
            for line in chunk
        ]
        return {"events": events, "nextForwardToken": f"f/{len(shown)}"}

    return Flight().on("logs:GetLogEvents", answer)


def contents(build: Build) -> Contents:
    found = looks.contents_of(build.pk)
    assert found is not None
    return found


def test_a_running_builds_log_is_read_as_it_grows(scope: Scope, aws: Any, heard: Any):
    build = make(scope)
    aws(growing(["one", "two"], ["three"]))
    seen = []
    for _ in range(4):
        assert follow.bite(build) in (follow.RUNNING, follow.SOON)
        seen.append(contents(build).next)
    assert seen[-1] == 3
    assert not contents(build).done
    told = [text for topic, text in heard if topic == f"log:{build.pk}"]
    assert told == ["2", "3"]
    answer = looks.lines(build.pk, 2)
    assert (answer["first"], answer["next"], answer["done"]) == (2, 3, False)
    assert f'id="log-{build.pk}-L3"' in answer["html"]
    assert "two" not in answer["html"]


def test_a_finished_builds_log_is_read_to_its_end_once(scope: Scope, aws: Any):
    build = make(scope, "SUCCEEDED")
    flight = aws(Flight().load(FLIGHTS / "full"))
    assert follow.bite(build) is None
    assert contents(build).done
    asked = len(flight.asked)
    assert follow.bite(build) is None
    assert len(flight.asked) == asked


def test_the_end_of_a_log_is_waited_for_after_a_build_ended(scope: Scope, aws: Any):
    build = make(scope, "SUCCEEDED", ended_at=now())
    aws(Flight().load(FLIGHTS / "full"))
    assert follow.bite(build) == follow.NOT_BEGUN
    assert not contents(build).done


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=3), timedelta(seconds=-5)])
def test_a_clock_that_differs_from_awss_does_not_keep_a_log_open(
    scope: Scope, aws: Any, skew: timedelta
):
    build = make(scope, "SUCCEEDED", ended_at=now() + skew)
    aws(Flight().load(FLIGHTS / "full"))
    assert follow.bite(build) == follow.NOT_BEGUN
    with time_machine.travel(now() + follow.SETTLES, tick=True):
        assert follow.bite(build) is None
        assert contents(build).done


def test_a_failed_builds_error_is_quoted_with_its_line_numbers(scope: Scope, aws: Any):
    build = make(scope, "FAILED")
    aws(Flight().load(FLIGHTS / "full"))
    follow.bite(build)
    build.refresh_from_db()
    assert build.excerpt_line is not None
    number = build.excerpt_line + build.excerpt_mark
    told = looks.lines(build.pk, number - 1)
    assert told["html"].startswith(f'<li class="log-line is-error" id="log-{build.pk}-L{number}">')
    assert "rounds tax half up" in told["html"].split("</li>")[0]
    assert PLANTED not in build.excerpt
    assert Change.objects.filter(kind="codebuild.build", row_id=build.pk).count() == 1


def test_a_log_that_has_not_begun_is_waited_for(scope: Scope, aws: Any, heard: Any):
    build = make(scope)
    flight = aws(Flight().on("logs:GetLogEvents", Fault("ResourceNotFoundException", "none")))
    assert follow.bite(build) == follow.NOT_BEGUN
    told = looks.lines(build.pk, 0)
    assert "has not begun" in told["fragments"][0]["html"]
    assert heard == [(f"log:{build.pk}", "0")]
    # Said once, however often it is asked.
    assert follow.bite(build) == follow.NOT_BEGUN
    assert len(heard) == 1
    flight.on("logs:GetLogEvents", {"events": [], "nextForwardToken": "f/1"})
    follow.bite(build)
    assert "has not begun" not in looks.lines(build.pk, 0)["fragments"][0]["html"]


def test_a_build_that_waits_for_a_machine_has_no_log_to_ask_for(scope: Scope, aws: Any):
    build = make(scope, logs={"group": "", "stream": ""})
    flight = aws(Flight())
    assert follow.bite(build) == follow.NOT_BEGUN
    assert flight.asked == []


def test_a_log_deleted_by_its_retention_says_so(scope: Scope, aws: Any):
    build = make(scope, "SUCCEEDED")
    aws(Flight().on("logs:GetLogEvents", Fault("ResourceNotFoundException", "none")))
    assert follow.bite(build) is None
    assert contents(build).done
    assert "no longer has this log" in looks.lines(build.pk, 0)["fragments"][0]["html"]


def test_a_log_kept_in_s3_alone_says_where(scope: Scope, aws: Any):
    logs = {
        "stream": "",
        "cloudwatch_status": "DISABLED",
        "s3_status": "ENABLED",
        "s3_location": "logs/a",
        "s3_arn": "arn:aws:s3:::logs/a/5d1c0f6e.gz",
        "s3_url": "https://s3.console.aws.amazon.com/s3/object/logs/a/5d1c0f6e.gz",
    }
    build = make(scope, "SUCCEEDED", logs=logs)
    flight = aws(Flight())
    assert follow.bite(build) is None
    assert flight.asked == []
    note = contents(build).note
    assert (note["title"], note["text"]) == ("This log is kept in S3 only", "logs/a/5d1c0f6e.gz")
    assert build.s3_log_url.endswith("/s3/object/logs?region=eu-west-1&prefix=a/5d1c0f6e.gz")


@pytest.mark.parametrize(
    ("logs", "leads_to"),
    [
        ({}, ""),
        ({"s3_status": "DISABLED", "s3_location": "logs/a"}, ""),
        ({"s3_location": "logs/a", "s3_url": "https://example.com/l"}, "https://example.com/l"),
        (
            {"s3_location": "logs/a", "s3_url": "javascript:alert(1)"},
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs?region=eu-west-1&prefix=a/",
        ),
        (
            {"s3_arn": "arn:aws-cn:s3:::logs/a/b c.gz", "s3_url": "https://example.com/l"},
            "https://eu-west-1.console.aws.amazon.com/s3/object/logs?region=eu-west-1"
            "&prefix=a/b%20c.gz",
        ),
    ],
)
def test_the_log_in_s3_is_the_object_before_the_folder(
    scope: Scope, logs: dict[str, str], leads_to: str
):
    assert make(scope, "SUCCEEDED", logs=logs).s3_log_url == leads_to


def test_a_denied_log_says_what_cures_it(scope: Scope, aws: Any):
    build = make(scope)
    aws(Flight().on("logs:GetLogEvents", Fault("AccessDeniedException", "User is not authorized")))
    assert follow.bite(build) is None
    note = contents(build).note
    assert note["title"] == "The log cannot be read"
    assert "logs:GetLogEvents" in note["cure"] + note["text"]
    assert Operation.objects.get(operation="logs:GetLogEvents").health == "denied"
    assert not contents(build).done


def test_a_throttled_log_is_read_later(scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0)
    build = make(scope)
    aws(Flight().on("logs:GetLogEvents", Fault("ThrottlingException", "Rate exceeded")))
    assert follow.bite(build) == follow.THROTTLED
    assert "throttled" in contents(build).note["title"]


def test_an_endpoint_that_answers_html_is_told_in_words(
    scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0)
    build = make(scope)
    aws(Flight().on("logs:GetLogEvents", Fault.page()))
    assert follow.bite(build) is None
    assert contents(build).note["state"] == "failed"
    assert "<h1>" not in looks.lines(build.pk, 0)["fragments"][0]["html"]


def test_credentials_that_cannot_be_had_are_told_in_words(
    scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    from botocore.exceptions import NoCredentialsError

    from apps.mirror.provider import PROVIDERS

    aws(Flight())

    def refuse(_scope: Any, *, urgent: bool) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(PROVIDERS.get("aws"), "open", refuse)
    build = make(scope)
    assert follow.bite(build) is None
    assert contents(build).note["title"] == "The log cannot be read"


@pytest.mark.redis
def test_a_long_log_is_capped_and_says_how_much_is_left_out(scope: Scope, aws: Any, settings: Any):
    settings.LOG_LOOK_MAX_LINES = 2_000
    build = make(scope, "SUCCEEDED")
    lines = [f"line {n}" for n in range(9_000)]

    def answer(params: Any) -> dict[str, Any]:
        at = int(params["nextToken"][2:]) if "nextToken" in params else 0
        events = [{"timestamp": 1, "message": f"{line}\n"} for line in lines[at : at + 1_000]]
        return {"events": events, "nextForwardToken": f"f/{at + len(events)}"}

    aws(Flight().on("logs:GetLogEvents", answer))
    # A slow machine takes several bites.
    while follow.bite(build) is not None:
        pass
    first, told = 0, []
    while True:
        answered = looks.lines(build.pk, first)
        told.append(answered["html"])
        first = answered["next"]
        if not answered["more"]:
            break
    html = "".join(told)
    assert answered["done"]
    assert first == 9_000
    assert html.count('class="log-line') == contents(build).kept <= 2_000
    assert f"{contents(build).left_out:,} lines are left out here" in html
    assert ">line 0<" in html
    assert ">line 8999<" in html


def test_colours_go_on_over_the_answers_boundary(scope: Scope, aws: Any):
    build = make(scope)
    aws(growing(["\x1b[31mred", "still red"]))
    follow.bite(build)
    follow.bite(build)
    assert '<span class="a-31">still red</span>' in looks.lines(build.pk, 1)["html"]


@pytest.mark.redis
def test_hostile_lines_are_shown_as_text(scope: Scope, aws: Any):
    build = make(scope)
    aws(growing(["<script>alert(1)</script>\x00\ud800", "x" * 100_000]))
    follow.bite(build)
    follow.bite(build)
    html = looks.lines(build.pk, 0)["html"]
    assert "<script" not in html
    assert "90,000 more characters" in html
    html.encode()


@pytest.mark.redis
def test_however_many_watch_one_reader_is_enqueued(scope: Scope, aws: Any, queued: Any):
    build = make(scope)
    aws(growing(["one"]))
    for _ in range(30):
        looks.watch(build.pk)
    [(name, (build_id, ticket), _)] = queued
    assert (name, build_id) == ("codebuild.follow_log", build.pk)
    queued.clear()
    tasks.follow_log(build_id, ticket)
    # It comes back for the next bite by itself, and those who watch start no other.
    assert [(name, args) for name, args, _ in queued] == [
        ("codebuild.follow_log", (build.pk, ticket))
    ]
    looks.watch(build.pk)
    assert len(queued) == 1


def test_a_second_reader_leaves_at_once(scope: Scope, aws: Any, queued: Any):
    build = make(scope)
    flight = aws(growing(["one"]))
    assert follower_of(build.pk).take("first")
    tasks.follow_log(build.pk, "second")
    assert flight.asked == []
    assert queued == []


def test_nobody_reads_a_log_that_nobody_watches(scope: Scope, aws: Any, queued: Any):
    build = make(scope)
    aws(growing(["one"]))
    tasks.follow_log(build.pk, "ticket")
    assert queued == []
    assert follower_of(build.pk).watch() is not None


def test_a_log_that_was_read_to_its_end_is_not_read_again(scope: Scope, aws: Any, queued: Any):
    build = make(scope, "SUCCEEDED")
    flight = aws(Flight().load(FLIGHTS / "full"))
    follow.bite(build)
    asked = len(flight.asked)
    looks.watch(build.pk)
    assert queued == []
    assert len(flight.asked) == asked


def test_the_log_of_a_build_that_is_no_more_is_nobodys(db: None, aws: Any, queued: Any):
    aws(Flight())
    tasks.follow_log(12345, "ticket")
    assert queued == []
    assert looks.lines(12345, 7)["next"] == 7


def test_a_forgotten_log_is_read_again_from_its_beginning(scope: Scope, aws: Any):
    from django.core.cache import cache

    build = make(scope, "SUCCEEDED")
    aws(Flight().load(FLIGHTS / "full"))
    follow.bite(build)
    read = contents(build).next
    cache.clear()
    assert looks.lines(build.pk, read)["next"] == read
    follow.bite(build)
    assert contents(build).next == read
    assert store_of(build.pk).open() is not None


@pytest.mark.parametrize("fault", ["AccessDeniedException", "ThrottlingException"])
def test_a_log_ends_though_its_build_cannot_be_asked_for_again(
    scope: Scope, aws: Any, heard: Any, monkeypatch: pytest.MonkeyPatch, fault: str
):
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0)
    build = make(scope, "FAILED")
    flight = aws(Flight().load(FLIGHTS / "full"))
    flight.on("codebuild:BatchGetBuilds", Fault(fault, "no"))
    assert follow.bite(build) is None
    assert contents(build).done
    assert looks.lines(build.pk, contents(build).next)["done"]
    assert (f"log:{build.pk}", str(contents(build).next)) in heard
    health = Operation.objects.get(operation="codebuild:BatchGetBuilds").health
    assert health == ("denied" if fault.startswith("Access") else "throttled")
    assert Operation.objects.get(operation="logs:GetLogEvents").health == "ok"
    asked = len(flight.asked)
    assert follow.bite(build) is None
    assert len(flight.asked) == asked


def test_a_log_ends_though_credentials_are_gone_when_its_error_is_quoted(
    scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    from botocore.exceptions import NoCredentialsError

    from apps.mirror.provider import PROVIDERS

    build = make(scope, "FAILED")
    aws(Flight().load(FLIGHTS / "full"))
    provider = PROVIDERS.get("aws")
    open_once = provider.open
    opened: list[int] = []

    def once(place: Scope, *, urgent: bool) -> Any:
        assert urgent
        opened.append(1)
        if len(opened) > 1:
            raise NoCredentialsError
        return open_once(place, urgent=urgent)

    monkeypatch.setattr(provider, "open", once)
    assert follow.bite(build) is None
    assert len(opened) == 2
    assert contents(build).done


def test_a_denied_log_that_can_be_read_again_is_denied_no_more(scope: Scope, aws: Any):
    build = make(scope)
    flight = aws(growing(["one"], ["two"]))
    answers = flight._plays["logs:GetLogEvents"]
    flight.on("logs:GetLogEvents", Fault("AccessDeniedException", "no"))
    follow.bite(build)
    row = Operation.objects.get(operation="logs:GetLogEvents")
    assert row.health == "denied"
    flight.on("logs:GetLogEvents", answers)
    follow.bite(build)
    row.refresh_from_db()
    assert (row.health, row.error, row.cure) == ("ok", "", "")
    # Said once, and not at every bite of a log.
    first = row.last_success
    follow.bite(build)
    row.refresh_from_db()
    assert row.last_success == first


def test_what_an_overtaken_reader_read_is_dropped(scope: Scope, aws: Any, queued: Any, heard: Any):
    build = make(scope)
    follower = follower_of(build.pk)
    follower.watch()

    def hangs(_params: Any) -> dict[str, Any]:
        # While this call hung, the lease ran out and another reader took the log.
        follower.leave("slow")
        assert follower.take("quick")
        return {"events": [{"timestamp": 1, "message": "late"}], "nextForwardToken": "f/1"}

    aws(Flight().on("logs:GetLogEvents", hangs))
    tasks.follow_log(build.pk, "slow")
    assert looks.contents_of(build.pk) is None
    assert heard == queued == []
    assert follower.take("quick")


def test_an_overtaken_readers_failure_is_not_said(scope: Scope, aws: Any, queued: Any):
    build = make(scope)
    follower = follower_of(build.pk)
    follower.watch()

    def hangs(_params: Any) -> Fault:
        follower.leave("slow")
        assert follower.take("quick")
        return Fault("AccessDeniedException", "no")

    aws(Flight().on("logs:GetLogEvents", hangs))
    tasks.follow_log(build.pk, "slow")
    assert looks.contents_of(build.pk) is None
    assert queued == []


def test_a_reader_that_breaks_makes_room_for_the_next(
    scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    build = make(scope)
    aws(Flight())

    def broken(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("the cache is away")

    monkeypatch.setattr(tasks, "bite", broken)
    with pytest.raises(RuntimeError):
        tasks.follow_log(build.pk, "first")
    assert follower_of(build.pk).take("second")
