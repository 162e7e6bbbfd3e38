"""What of a list's address is not understood: named, left out, and the rest of it stays."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.cloudwatch.models import Alarm, LogGroup
from apps.mirror.resource import REGISTER
from tests.factories import make_build, make_running_pipeline, make_scope, make_user

pytestmark = pytest.mark.django_db

LISTS = ["/", "/codebuild/", "/codebuild/builds/", "/source/commits/"]


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_user("reader"))
    return client


def told(client: Client, path: str, **asked: str) -> str:
    answer = client.get(path, asked)
    assert answer.status_code == 200
    html = answer.content.decode()
    if 'id="unheeded"' not in html:
        return ""
    return html.split('id="unheeded"')[1].split("</div></div>")[0]


@pytest.mark.parametrize("path", LISTS)
def test_a_filter_that_is_none_is_named_and_left_out(reader: Client, path: str) -> None:
    make_running_pipeline("orders")
    assert told(reader, path) == ""
    assert told(reader, path, q="orders", state="failed", part="") == ""
    said = told(reader, path, stat="failed")
    assert "“stat” is no filter here; there are q, state, account, region" in said
    assert "“faild” is no state; there are done, moving, waiting" in told(
        reader, path, state="faild"
    )
    assert "“999999999999” is no account" in told(reader, path, account="999999999999")
    assert "“mars-1” is no region" in told(reader, path, region="mars-1")
    assert "so this is the first page" in told(reader, path, after="nonsense")


def test_the_rest_of_the_address_is_heeded(reader: Client) -> None:
    make_running_pipeline("orders", "Failed")
    make_running_pipeline("basket", "Failed")
    html = reader.get("/?state=faild&q=basket").content.decode()
    assert ">basket</a>" in html
    assert ">orders</a>" not in html
    # What was left out is not carried on.
    assert "faild" not in html.split('id="unheeded"')[1].split("</div></div>")[1]


def test_the_pages_of_one_row_say_so_of_a_cursor_too(reader: Client) -> None:
    build, pipeline = make_build(), make_running_pipeline("orders")
    for path in (build.project.get_absolute_url(), f"/codepipeline/{pipeline.pk}/executions/"):
        assert told(reader, path) == ""
        assert "so this is the first page" in told(reader, path, after="nonsense")


def test_what_was_not_understood_is_text_and_short(reader: Client) -> None:
    make_scope()
    hostile = "<script>alert(1)</script>" * 10
    said = told(
        reader, "/codebuild/", **{hostile: "1", "account": hostile, "state": "\x00" + hostile}
    )
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
    assert len(said) < 2500
    assert (
        told(reader, "/codebuild/", **{f"x{n}": "1" for n in range(50)}).count("is no filter here")
        == 5
    )


def test_asking_for_an_account_costs_no_query_more(reader: Client) -> None:
    make_build()
    reader.get("/codebuild/builds/")

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get(path)
        return len(asked)

    plainly = queries("/codebuild/builds/?q=shop")
    assert queries("/codebuild/builds/?q=shop&account=111122223333") == plainly


def test_a_value_that_is_none_of_a_few_is_told_and_left_out(reader: Client) -> None:
    assert "“bogus” is no type; there are MetricAlarm, CompositeAlarm." in told(
        reader, "/cloudwatch/", type="bogus"
    )
    alarm = Alarm.objects.create(scope=make_scope(), key="slow", arn="a", status="OK", state="done")
    html = reader.get("/cloudwatch/?type=bogus").content.decode()
    assert ">slow</a>" in html
    assert told(reader, "/cloudwatch/", type="MetricAlarm") == ""
    path = alarm.get_absolute_url()
    assert "“5y” is no range; there are 1h, " in told(reader, path, range="5y")
    assert told(reader, path, range="1h") == ""
    assert "“bogus” is no kind; there are " in told(reader, "/cloudwatch/metrics/", kind="bogus")


def test_the_span_of_a_search_and_names_that_mean_nothing_are_told(reader: Client) -> None:
    group = LogGroup.objects.create(scope=make_scope(), key="/aws/lambda/mail", arn="g")
    path = group.get_absolute_url()
    assert "“bogus” is no span; there are 15m, 1h" in told(reader, path, span="bogus", pattern="x")
    assert told(reader, path, span="1h", pattern="x", first="0") == ""
    assert "“color” means nothing to this page." in told(reader, path, color="red")


def test_every_list_tells_it(reader: Client) -> None:
    from django.urls import reverse

    for name in {resource.listed for resource in REGISTER if resource.listed}:
        assert "“stat” is no filter here" in told(reader, reverse(name), stat="1"), name
