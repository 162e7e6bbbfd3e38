"""Pages of stacks: why first, events in order, nested ones below their root; at what cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.cloudformation.models import Event, Stack
from apps.live.fragment import FRAGMENTS
from apps.mirror.models import Hint
from apps.mirror.visibility import VISIBILITY
from tests import factories
from tests.cloudformation.making import (
    KIND,
    make_change_set,
    make_event,
    make_failed,
    make_resource,
    make_stack,
    tell,
)

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    forget()
    yield
    forget()


def forget() -> None:
    """Empty every cache: pictures of rows have their own."""
    for alias in settings.CACHES:
        caches[alias].clear()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


def paths(stack: Stack) -> list[str]:
    page = stack.get_absolute_url()
    return ["/cloudformation/", page, f"{page}events/", f"{page}template/", f"{page}drift/"]


def test_a_stranger_is_asked_to_sign_in_everywhere(client: Client):
    for path in paths(make_failed()):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"][:16]) == (302, "/accounts/login/"), path


def test_rows_one_may_not_see_are_nowhere(viewer: Client, monkeypatch: Any, queued: Any):
    stack = make_failed()
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    assert "shop" not in viewer.get("/cloudformation/").text
    for path in paths(stack)[1:]:
        assert viewer.get(path).status_code == 404, path
    assert queued == []


def test_pages_take_no_writes(viewer: Client):
    for path in paths(make_failed()):
        assert viewer.post(path).status_code == 405, path


def test_a_failed_stack_says_why_first_and_marks_the_event(viewer: Client):
    stack = make_failed()
    page = viewer.get(stack.get_absolute_url()).text
    assert page.index("Why it failed: Files") < page.index("What happened")
    assert '<div class="said break">shop-files already exists</div>' in page
    told = re.findall(
        r'<li class="event (st-\w+)( is-first)?".*?<b class="break">(\w+)</b>', page, re.S
    )
    assert told == [
        ("st-run", "", "shop"),
        ("st-bad", "", "Queue"),
        ("st-bad", " is-first", "Files"),
        ("st-run", "", "shop"),
        ("st-bad", "", "shop"),
    ]


def test_only_the_newest_operation_stands_on_the_page_and_all_of_them_behind_it(viewer: Client):
    stack = make_failed()
    make_event(stack, 20, "shop", "UPDATE_IN_PROGRESS")
    make_event(stack, 21, "Files", "UPDATE_COMPLETE")
    make_event(stack, 29, "shop", "UPDATE_COMPLETE")
    Stack.objects.update(status="UPDATE_COMPLETE", state="done")
    tell(stack)
    page = viewer.get(stack.get_absolute_url()).text
    assert "Why it failed" not in page
    assert page.count('<li class="event') == 3
    every = viewer.get(f"{stack.get_absolute_url()}events/").text
    assert every.count('<li class="event') == 8
    assert every.count("first failure") == 1
    failed = viewer.get(f"{stack.get_absolute_url()}events/?failed=1").text
    assert failed.count('<li class="event') == 2


def test_opening_a_stack_asks_for_what_was_not_read_of_it_as_it_is_now(viewer: Client):
    stack = make_stack("shop", stamp="2", resources_stamp="1", change_sets_stamp="2")
    for path in (stack.get_absolute_url(), f"{stack.get_absolute_url()}events/"):
        Hint.objects.all().delete()
        assert "being read" in viewer.get(path).text
        told = Hint.objects.values_list("kind", "parent_key").order_by("kind")
        assert list(told) == [
            ("cloudformation.event", stack.key),
            ("cloudformation.resource", stack.key),
        ]
    Hint.objects.all().delete()
    Stack.objects.update(events_stamp="2", resources_stamp="2")
    assert "being read" not in viewer.get(stack.get_absolute_url()).text
    assert not Hint.objects.exists()


def make_long(rest: int, *, cut: bool = False) -> Stack:
    """A stack of which a resource failed, and so many events came after that."""
    stack = make_stack("shop", "ROLLBACK_COMPLETE")
    if cut:
        make_event(stack, 0, "Other", "CREATE_IN_PROGRESS", cut=True)
    else:
        make_event(stack, 0, "shop", "CREATE_IN_PROGRESS")
    make_event(stack, 1, "Table", "CREATE_IN_PROGRESS")
    make_event(stack, 2, "Queue", "CREATE_IN_PROGRESS")
    make_event(stack, 3, "Files", "CREATE_FAILED", reason="shop-files already exists")
    at = now() - timedelta(minutes=50)
    Event.objects.bulk_create(
        Event(
            scope=stack.scope,
            stack=stack,
            key=f"later-{second}",
            at=at + timedelta(seconds=second),
            logical_id=f"Later{second}",
            physical_id="x",
            resource_type="AWS::SQS::Queue",
            status="CREATE_FAILED" if second % 2 else "DELETE_COMPLETE",
            reason="Resource creation cancelled" if second % 2 else "",
        )
        for second in range(rest)
    )
    make_event(stack, 700, "shop", "ROLLBACK_IN_PROGRESS", reason="[Files] failed")
    tell(stack)
    return stack


def test_the_first_failure_is_found_and_shown_however_much_came_after_it(viewer: Client):
    stack = make_long(1_500)
    assert stack.failure["logical_id"] == "Files"
    page = viewer.get(stack.get_absolute_url()).text
    timeline = page.split('id="stack-timeline-')[1].split("</section>")[0]
    assert timeline.count("first failure") == 1
    assert timeline.index("shop-files already exists") < timeline.index("Later")
    # Between the beginning and the failure, and from there to the newest.
    assert "2 events left out here" in timeline
    assert f"{1_500 - 119:,}".replace(",", "") + " events left out here" in timeline
    assert "Later1499" in timeline


def test_a_hole_in_what_was_read_is_told_with_what_follows_from_it(viewer: Client):
    stack = make_long(3, cut=True)
    assert stack.failure["logical_id"] == "Files"
    assert "something else may have failed first" in stack.failure["why"]
    for path in (stack.get_absolute_url(), f"{stack.get_absolute_url()}events/"):
        assert "Events before this one were not read" in viewer.get(path).text
    assert "something else may have failed first" in viewer.get(stack.get_absolute_url()).text
    whole = make_failed("whole")
    assert "not read" not in viewer.get(whole.get_absolute_url()).text


def test_the_cause_in_a_nested_stack_is_quoted_above_with_the_way_there(viewer: Client):
    root = make_stack("site", "ROLLBACK_COMPLETE")
    child = make_failed("site-Network-1", "cidrBlock is invalid", nested_in=root)
    make_event(root, 0, "site", "CREATE_IN_PROGRESS")
    make_event(
        root,
        8,
        "Network",
        "CREATE_FAILED",
        resource_type=KIND,
        physical_id=child.key,
        reason="Embedded",
    )
    make_event(root, 10, "site", "ROLLBACK_COMPLETE")
    tell(root, child)
    page = viewer.get(root.get_absolute_url()).text
    assert "Why it failed: Files" in page
    assert '<div class="said break">cidrBlock is invalid</div>' in page
    assert f'<a class="link" href="{child.get_absolute_url()}">Network</a>' in page
    nested = viewer.get(child.get_absolute_url()).text
    assert f'nested in <a class="link break" href="{root.get_absolute_url()}">site</a>' in nested


def test_a_stack_on_its_way_back_says_why(viewer: Client):
    stack = make_failed()
    Stack.objects.update(status="UPDATE_ROLLBACK_IN_PROGRESS", state="moving")
    page = viewer.get(stack.get_absolute_url()).text
    assert "Why it goes back: Files" in page


def test_a_way_back_that_failed_tells_both(viewer: Client):
    stack = make_stack("shop", "UPDATE_ROLLBACK_FAILED")
    make_event(stack, 0, "shop", "UPDATE_IN_PROGRESS")
    make_event(stack, 1, "Handler", "UPDATE_FAILED", reason="too much memory")
    make_event(stack, 2, "shop", "UPDATE_ROLLBACK_IN_PROGRESS", reason="The following …")
    make_event(stack, 3, "Handler", "UPDATE_FAILED", reason="somebody changed it")
    tell(stack)
    page = viewer.get(stack.get_absolute_url()).text
    assert "too much memory" in page
    assert "The rollback failed, too: Handler: somebody changed it" in page


def test_change_sets_say_what_they_would_replace(viewer: Client):
    stack = make_stack("new", "REVIEW_IN_PROGRESS")
    make_change_set(stack, description="First")
    make_change_set(
        stack,
        "nothing",
        status="FAILED",
        execution_status="UNAVAILABLE",
        state="stopped",
        reason="The submitted information didn't contain changes.",
        changes=[],
    )
    page = viewer.get(stack.get_absolute_url()).text
    assert "It waits for its first change set to be executed" in page
    assert "one waits to be executed" in page
    assert re.search(r"Handler<span class=\"sub\">AWS::Lambda::Function.*?Yes</span>", page, re.S)
    assert "makes a new one" in page
    assert "didn&#x27;t contain changes" in page


def test_resources_link_to_what_they_are_and_tell_drift(viewer: Client):
    stack = make_stack(drift_status="DRIFTED", drift_checked_at=factories.LONG_AGO)
    pipeline = factories.make_pipeline("checkout")
    make_resource(stack, "Pipeline", makes=("codepipeline.pipeline", pipeline.arn))
    drifted = make_resource(stack, "Files", drift_status="MODIFIED")
    page = viewer.get(stack.get_absolute_url()).text
    assert f'href="{pipeline.get_absolute_url()}">checkout</a>' in page
    assert f'<a class="link" href="#resource-{drifted.pk}">Files</a>' in page
    assert "1 no longer as the template says" in page


def test_what_another_project_has_is_not_told_of(viewer: Client):
    stack = make_stack()
    pipeline = factories.make_pipeline("theirs")
    make_resource(stack, "Pipeline", makes=("codepipeline.pipeline", pipeline.arn))
    assert "theirs" in viewer.get(stack.get_absolute_url()).text
    factories.make_project("Ours", stack)
    assert "theirs" not in viewer.get(stack.get_absolute_url()).text


def test_values_that_are_not_echoed_have_no_place(viewer: Client):
    stack = make_stack(
        parameters=[
            {"key": "Password", "value": "", "resolved": "", "no_echo": True},
            {"key": "Image", "value": "/ami", "resolved": "ami-1", "no_echo": False},
        ],
        outputs=[{"key": "Url", "value": "https://x", "description": "", "export": "shop-url"}],
    )
    page = viewer.get(stack.get_absolute_url()).text
    assert re.search(r"<dt>Password</dt><dd><span class=\"muted\">not echoed", page)
    assert "resolved to ami-1" in page
    assert "exported as <code>shop-url</code>" in page


def test_the_list_begins_with_what_is_broken_and_holds_nested_ones_below_their_root(viewer: Client):
    sound = make_stack("aaa")
    broken = make_failed("zzz")
    child = make_stack("aaa-Data-1", nested_in=sound)
    page = viewer.get("/cloudformation/").text
    rows = re.findall(r'<tr id="stack-row-(\d+)"', page)
    assert rows == [str(broken.pk), str(sound.pk)]
    assert "Files (AWS::S3::Bucket) UPDATE_FAILED: shop-files already exists" in page
    assert f'href="{child.get_absolute_url()}">aaa-Data-1</a>' in page
    found = viewer.get("/cloudformation/?q=Data").text
    assert re.findall(r'<tr id="stack-row-(\d+)"', found) == [str(child.pk)]
    assert "No stack fits" in viewer.get("/cloudformation/?q=nothing").text


def test_an_account_without_stacks_is_told_what_would_be_here(viewer: Client):
    factories.make_scope()
    assert "cloudformation:DescribeStacks" in viewer.get("/cloudformation/").text


def test_pages_of_the_list_hold_every_stack_once(viewer: Client):
    for number in range(70):
        make_stack(f"s{number}", "CREATE_FAILED" if number % 2 else "CREATE_COMPLETE")
    query, seen = "", []
    for _ in range(4):
        page = viewer.get(f"/cloudformation/{query}").text
        seen += re.findall(r'<tr id="stack-row-(\d+)"', page)
        following = re.search(r'href="(\?[^"]*after=[^"]+)" rel="next"', page)
        if following is None:
            break
        query = following.group(1).replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 70


def test_queries_do_not_grow_with_what_is_there(viewer: Client):
    root = make_failed("site")
    stack_page = root.get_absolute_url()

    def more(number: int) -> None:
        make_failed(f"other-{number}")
        make_stack(f"site-N-{number}", nested_in=root)
        make_resource(root, f"R{number}", makes=("codepipeline.pipeline", f"arn:{number}"))
        make_change_set(root, f"c{number}")
        make_event(root, 4, f"R{number}", "UPDATE_COMPLETE")

    def count(path: str) -> int:
        viewer.get(path)
        forget()
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    more(0)
    places = ("/cloudformation/", stack_page, f"{stack_page}events/")
    few = [count(path) for path in places]
    for number in range(1, 9):
        more(number)
    assert [count(path) for path in places] == few


def test_the_page_and_the_stream_have_the_same_bytes(viewer: Client):
    stack = make_failed()
    make_resource(stack, "Files")
    page = viewer.get(stack.get_absolute_url()).text
    listed = viewer.get("/cloudformation/").text
    for fragment in FRAGMENTS.of("cloudformation.stack"):
        for _ in ("rendered for the stream", "from the cache"):
            html = fragment.render([stack.pk])[stack.pk]
            assert f'id="{fragment.element_id(stack.pk)}"' in html
            assert html in (listed if fragment.name == "stack-row" else page), fragment.name
            assert f"{fragment.name}:{stack.pk}" in (listed + page)


def test_an_unchanged_page_is_not_sent_again(viewer: Client):
    stack = make_failed()
    for path in paths(stack)[:3]:
        etag = viewer.get(path).headers["ETag"]
        assert viewer.get(path, headers={"If-None-Match": etag}).status_code == 304, path


def test_hostile_text_is_shown_as_text(viewer: Client):
    evil = '<script>alert("x")</script>'
    stack = make_failed(
        "evil",
        evil,
        description=evil,
        status_reason=evil,
        tags={evil: evil},
        role_arn=evil,
        outputs=[{"key": evil, "value": evil, "description": evil, "export": evil}],
        parameters=[{"key": evil, "value": evil, "resolved": evil * 2, "no_echo": False}],
        rollback_configuration={"triggers": [{"arn": evil, "type": evil}], "minutes": 5},
    )
    make_resource(stack, "R", physical_id=evil, reason=evil, resource_type=evil, module=evil)
    make_event(stack, 8, "E", "UPDATE_FAILED", reason=evil, hook_type=evil, hook_status=evil)
    detail = {"name": evil, "recreation": evil, "cause": evil, "attribute": evil}
    change = {
        "action": evil,
        "logical_id": evil,
        "type": evil,
        "details": [detail],
        "scope": [evil],
    }
    make_change_set(stack, evil, description=evil, reason=evil, changes=[change])
    Stack.objects.update(name=evil)
    for path in paths(stack):
        page = viewer.get(path).text
        assert "<script>alert" not in page, path
        assert 'style="' not in page, path


def test_a_deleted_stack_keeps_its_page(viewer: Client):
    stack = make_stack("old", "DELETE_COMPLETE", deleted_at=factories.LONG_AGO)
    Stack.objects.update(gone_at=factories.LONG_AGO)
    assert "This stack was deleted" in viewer.get(stack.get_absolute_url()).text
    assert ">old</a>" not in viewer.get("/cloudformation/").text


def test_stacks_are_found_by_name_and_id(viewer: Client):
    stack = make_failed("payments-ledger")
    for words in ("ledger", stack.key):
        assert stack.get_absolute_url() in viewer.get("/search", {"q": words}).text


def test_what_a_stack_made_says_which_stack_that_was(viewer: Client):
    stack = make_stack("delivery")
    pipeline = factories.make_pipeline("checkout")
    resource = make_resource(stack, "Pipeline", makes=("codepipeline.pipeline", pipeline.arn))
    panel = viewer.get(f"/linked/codepipeline.pipeline/{pipeline.pk}/").text
    assert f'href="{resource.get_absolute_url()}">delivery / Pipeline</a>' in panel
    assert "Creates this" in panel


def test_what_cloudformation_was_never_asked_is_not_told_as_its_answer(viewer: Client):
    stack = make_stack("shop", "UPDATE_ROLLBACK_COMPLETE", stamp="2")
    unread = "Its events were not read, so what failed first is not known."
    for path in ("/cloudformation/", stack.get_absolute_url()):
        page = viewer.get(path).text
        assert f"UPDATE_ROLLBACK_COMPLETE. {unread}" in page
        assert "CloudFormation says no more" not in page
    # That they were read is no change of the stack, and yet the pictures are others.
    Stack.objects.update(events_stamp="2")
    for path in ("/cloudformation/", stack.get_absolute_url()):
        page = viewer.get(path).text
        assert unread not in page
        assert "UPDATE_ROLLBACK_COMPLETE, and CloudFormation says no more" in page


def test_an_earlier_failure_is_not_told_as_that_of_an_operation_whose_events_are_unread(
    viewer: Client,
):
    stack = make_failed(stamp="2", events_stamp="1")
    Stack.objects.update(moved_at=now() + timedelta(minutes=5))
    for path in ("/cloudformation/", stack.get_absolute_url()):
        page = viewer.get(path).text.partition('id="stack-timeline')[0]
        assert "shop-files already exists" not in page
        assert "Its events were not read" in page
