"""A page that passes for an empty answer is refused, whatever protocol the service speaks."""

from types import SimpleNamespace

import botocore.session
import pytest
from botocore.parsers import ResponseParserError

from apps.aws.wire import refuse_pages

LOGIN = b"<!DOCTYPE html><html><body>Sign in</body></html>"
XHTML = b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"></html>'
NOTHING = {"ResponseMetadata": {"HTTPStatusCode": 200}}


def model_of(service: str, operation: str, protocol: str = ""):
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    if protocol:
        model.service_model.__dict__["resolved_protocol"] = protocol
    return model


def judge(model, content: bytes, headers=None, parsed=NOTHING) -> None:
    answer = SimpleNamespace(status_code=200, content=content, headers=headers or {})
    refuse_pages(http_response=answer, parsed=parsed, model=model)


@pytest.mark.parametrize(
    ("service", "operation", "empty"),
    [
        ("codepipeline", "ListPipelines", b"{}"),
        ("lambda", "ListFunctions", b"{}"),
        ("lambda", "ListFunctions", b""),
        (
            "cloudformation",
            "DescribeStacks",
            b'<DescribeStacksResponse xmlns="x"><DescribeStacksResult/></DescribeStacksResponse>',
        ),
        (
            "elasticbeanstalk",
            "DescribeEvents",
            b"<DescribeEventsResponse><DescribeEventsResult/></DescribeEventsResponse>",
        ),
        ("s3", "ListObjectsV2", b'<?xml version="1.0"?><ListBucketResult/>'),
    ],
)
def test_an_answer_that_names_nothing_is_an_answer(service, operation, empty):
    judge(model_of(service, operation), empty)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("codepipeline", "ListPipelines"),
        ("lambda", "ListFunctions"),
        ("cloudformation", "DescribeStacks"),
        ("s3", "ListObjectsV2"),
    ],
)
@pytest.mark.parametrize("page", [LOGIN, XHTML, b"  \n" + LOGIN.lower()])
def test_a_page_is_none(service, operation, page):
    with pytest.raises(ResponseParserError, match="none of the protocol"):
        judge(model_of(service, operation), page)


def test_cbor_is_told_by_the_protocols_own_header():
    model = model_of("cloudwatch", "DescribeAlarms", "smithy-rpc-v2-cbor")
    judge(model, b"\xa0", {"smithy-protocol": "rpc-v2-cbor"})
    with pytest.raises(ResponseParserError):
        judge(model, LOGIN)


def test_what_names_something_is_not_judged():
    judge(model_of("codepipeline", "ListPipelines"), LOGIN, parsed={"pipelines": []} | NOTHING)
