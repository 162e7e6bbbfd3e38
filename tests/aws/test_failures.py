"""Every way a call can fail becomes a health, AWS's words and a cure."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore import exceptions as boto
from botocore.config import Config

from apps.aws.calls import Reach
from apps.aws.failures import (
    EndpointRefusedError,
    OutOfTimeError,
    SuspendedError,
    classify,
    error_code,
    http_status,
    is_passing,
    is_throttle,
)
from apps.aws.wire import quick_session
from apps.mirror.provider import WORDS, Failure, Health
from tests.flight import Fault, Flight

LIST = "codepipeline:ListPipelines"


def failure_of(play, operation=LIST) -> Failure:
    """Return what a call that is answered so is told as, through real boto3."""
    return told_by(Flight().on(operation, play).reach(), operation)


def told_by(reach: Reach, operation: str = LIST) -> Failure:
    """Return what a call is told as."""
    with pytest.raises(Exception) as ended:  # noqa: PT011 - whatever it raises is told
        reach.call(operation)
    return classify(ended.value, operation)


@pytest.fixture(autouse=True)
def _retries_wait_for_nobody(monkeypatch):
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)


# --- What AWS says --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "health"),
    [
        ("No Environment found for EnvironmentName = 'shop-env'.", Health.GONE),
        ("Invalid value for AttributeNames.", Health.FAILING),
    ],
)
def test_an_environment_that_is_gone_is_no_fault_of_the_call(message, health):
    # Elastic Beanstalk has one code for whatever is wrong with a parameter.
    said = failure_of(Fault("InvalidParameterValue", message))
    assert said.health == health


@pytest.mark.parametrize(
    ("code", "status", "health"),
    [
        ("AccessDeniedException", 400, Health.DENIED),
        ("AccessDenied", 403, Health.DENIED),
        ("UnauthorizedOperation", 403, Health.DENIED),
        ("com.amazonaws.codepipeline#AccessDeniedException", 400, Health.DENIED),
        ("ThrottlingException", 400, Health.THROTTLED),
        ("Throttling", 400, Health.THROTTLED),
        ("TooManyRequestsException", 429, Health.THROTTLED),
        ("SomethingNew", 429, Health.THROTTLED),
        ("RequestLimitExceeded", 503, Health.THROTTLED),
        ("ExpiredTokenException", 400, Health.CREDENTIALS),
        ("ExpiredToken", 403, Health.CREDENTIALS),
        ("InvalidClientTokenId", 403, Health.CREDENTIALS),
        ("InvalidSignatureException", 400, Health.CREDENTIALS),
        ("MissingAuthenticationTokenException", 403, Health.CREDENTIALS),
        ("UnrecognizedClientException", 400, Health.NOT_OPTED_IN),
        ("OptInRequired", 403, Health.NOT_OPTED_IN),
        ("UnknownOperationException", 400, Health.UNSUPPORTED),
        ("PipelineNotFoundException", 400, Health.GONE),
        ("ResourceNotFoundException", 404, Health.GONE),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, Health.GONE),
        ("InternalFailure", 500, Health.FAILING),
        ("ServiceUnavailable", 503, Health.FAILING),
        ("ValidationException", 400, Health.FAILING),
        ("NeverHeardOf", 418, Health.FAILING),
    ],
)
def test_an_error_code_has_its_health_and_a_cure(code, status, health):
    told = failure_of(Fault(code, "AWS's own words", status))
    assert told.health is health
    assert told.message == "AWS's own words"
    assert told.cure
    assert told.code == code.rpartition("#")[2]


def test_a_denial_names_the_statement_that_cures_it():
    words = (
        "User: arn:aws:sts::111122223333:assumed-role/dash/x is not authorized to perform: "
        "codepipeline:GetPipeline on resource: arn:aws:codepipeline:eu-west-1:111122223333:shop "
        "because no identity-based policy allows the codepipeline:GetPipeline action"
    )
    told = failure_of(Fault("AccessDeniedException", words))
    # What AWS says was missing, not what we called.
    assert told.statement == {
        "Effect": "Allow",
        "Action": ["codepipeline:GetPipeline"],
        "Resource": "*",
    }
    assert "codepipeline:GetPipeline" in told.cure
    bare = failure_of(Fault("AccessDeniedException", ""))
    assert bare.statement == {"Effect": "Allow", "Action": [LIST], "Resource": "*"}


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("service control policy", "organisation"),
        ("resource control policy", "organisation"),
        ("permissions boundary", "boundary of this user or role"),
        ("session policy", "hands out these temporary credentials"),
        ("resource-based policy", "owns the resource"),
        ("VPC endpoint policy", "runs the network"),
        ("policy of a kind nobody heard of policy", "Whoever set it"),
    ],
)
@pytest.mark.parametrize(
    "how", ["with an explicit deny in a {}", "because no {} allows the action"]
)
def test_what_another_policy_forbids_is_not_cured_by_a_statement(kind, who, how):
    why = how.format(kind)
    words = f"User: x is not authorized to perform: {LIST} on resource: arn:aws:x {why}"
    told = failure_of(Fault("AccessDeniedException", words))
    assert told.health is Health.DENIED
    assert told.statement is None
    assert kind in told.cure
    assert LIST in told.cure
    assert who in told.cure


def test_an_explicit_deny_in_our_own_policy_is_taken_out_and_not_outvoted():
    words = (
        f"User: x is not authorized to perform: {LIST} on resource: arn:aws:x with an explicit "
        "deny in an identity-based policy"
    )
    told = failure_of(Fault("AccessDeniedException", words))
    assert told.statement is None
    assert "take that Deny statement out" in told.cure


def test_a_role_that_an_organisation_closed_is_no_matter_of_its_trust():
    words = (
        "User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r "
        "with an explicit deny in a service control policy"
    )
    told = failure_of(Fault("AccessDenied", words, 403))
    assert told.health is Health.CREDENTIALS
    assert "organisation" in told.cure


def test_a_role_that_refuses_us_is_a_matter_of_its_trust_and_not_of_a_policy():
    words = (
        "User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r"
    )
    told = failure_of(Fault("AccessDenied", words, 403))
    assert told.health is Health.CREDENTIALS
    assert "external id" in told.cure
    assert told.statement is None


def test_key_ids_are_not_repeated():
    told = failure_of(Fault("InvalidClientTokenId", "AKIAIOSFODNN7EXAMPLE is not valid"))
    assert told.message == "*** is not valid"


def test_long_messages_are_cut():
    assert len(failure_of(Fault("ValidationException", "x" * 100_000)).message) == 1000


# --- What is no AWS answer ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 400, 403, 404, 200])
def test_a_page_instead_of_an_answer_is_told_as_such(status):
    told = failure_of(Fault.page(status))
    expected = {403: Health.DENIED, 404: Health.UNSUPPORTED}
    assert told.health is expected.get(status, Health.FAILING)
    assert "<" not in told.message or status in expected
    assert told.cure


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b"[]", b"7", b'"x"', b"{}x"])
def test_garbage_instead_of_an_answer_never_gets_through_as_anything_but_a_failure(status, body):
    told = failure_of(Fault(status=status, body=body))
    assert told.health is Health.FAILING
    assert told.cure


def test_an_answer_that_says_nothing_is_an_answer():
    assert Flight().on(LIST, {}).reach().call(LIST).keys() == {"ResponseMetadata"}


# --- The way there --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "health"),
    [
        (boto.EndpointConnectionError(endpoint_url="https://x"), Health.UNREACHABLE),
        (boto.ConnectTimeoutError(endpoint_url="https://x"), Health.UNREACHABLE),
        (boto.ProxyConnectionError(proxy_url="http://proxy"), Health.UNREACHABLE),
        (boto.SSLError(endpoint_url="https://x", error="self-signed"), Health.UNREACHABLE),
        (boto.ReadTimeoutError(endpoint_url="https://x"), Health.UNREACHABLE),
        (boto.ConnectionClosedError(endpoint_url="https://x"), Health.UNREACHABLE),
        (boto.HTTPClientError(error=OSError("reset")), Health.UNREACHABLE),
        (OutOfTimeError("spent"), Health.THROTTLED),
        (boto.NoCredentialsError(), Health.CREDENTIALS),
        (boto.PartialCredentialsError(provider="env", cred_var="key"), Health.CREDENTIALS),
        (boto.ProfileNotFound(profile="work"), Health.CREDENTIALS),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), Health.CREDENTIALS),
        (boto.UnauthorizedSSOTokenError(), Health.CREDENTIALS),
        (boto.CredentialRetrievalError(provider="role", error_msg="x"), Health.CREDENTIALS),
        (boto.UnknownServiceError(service_name="x", known_service_names="y"), Health.UNSUPPORTED),
        (boto.NoRegionError(), Health.UNSUPPORTED),
        (KeyError("pipelines"), Health.FAILING),
        (RuntimeError(""), Health.FAILING),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_has_its_health_and_a_cure(error, health):
    told = classify(error, LIST)
    assert told.health is health
    assert told.cure
    assert told.message
    assert told.code == type(error).__name__


def test_an_endpoint_that_may_not_be_asked_is_not_taken_for_a_broken_line():
    refused = boto.HTTPClientError(error=EndpointRefusedError("10.0.0.1; ALLOWED_ENDPOINTS=x"))
    told = classify(refused, LIST)
    assert "ALLOWED_ENDPOINTS" in told.message
    assert told.code == "EndpointRefused"
    assert not is_passing(refused)


def test_a_suspended_operation_is_told_as_what_suspended_it():
    failure = Failure(health=Health.DENIED, code="AccessDenied")
    assert classify(SuspendedError(failure)) is failure


def test_what_is_no_client_error_has_neither_code_nor_status():
    assert (error_code(KeyError()), http_status(KeyError())) == ("", 0)
    assert not is_throttle(KeyError())
    assert not is_passing(KeyError())


# --- Real sockets ---------------------------------------------------------------------------------


@contextmanager
def listener(answer: bytes | None) -> Iterator[str]:
    """A server that takes connections and says `answer`, or nothing at all."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in held:
                connection.close()


def reach_to(url: str) -> Reach:
    client = quick_session(boto3.Session()).client(
        "codepipeline",
        region_name="eu-west-1",
        endpoint_url=url,
        config=Config(connect_timeout=0.1, read_timeout=0.1, retries={"total_max_attempts": 1}),
    )
    return Reach(account="1", region="eu-west-1", client=lambda _: client)


def test_an_endpoint_that_hangs_is_given_up():
    with listener(None) as url:
        told = told_by(reach_to(url))
    assert (told.health, told.code) == (Health.UNREACHABLE, "ReadTimeoutError")


def test_an_endpoint_that_hangs_up_is_unreachable():
    with listener(b"") as url:
        assert told_by(reach_to(url)).health is Health.UNREACHABLE


def test_an_endpoint_that_speaks_no_http_is_unreachable():
    with listener(b"SSH-2.0-OpenSSH_9.2\r\n") as url:
        assert told_by(reach_to(url)).health is Health.UNREACHABLE


def test_an_endpoint_that_answers_a_login_page_is_told_as_such():
    page = b"<html>please sign in</html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    with listener(head + page) as url:
        told = told_by(reach_to(url))
    assert (told.health, told.code) == (Health.FAILING, "UnreadableAnswer")


def test_a_port_nobody_listens_on_is_unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    told = told_by(reach_to(url))
    assert (told.health, told.code) == (Health.UNREACHABLE, "EndpointConnectionError")


def test_a_name_nobody_knows_is_unreachable(monkeypatch):
    def unknown(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    told = told_by(reach_to("http://codepipeline.nowhere.example.com"))
    assert told.health is Health.UNREACHABLE
    assert "codepipeline.nowhere.example.com" in told.message


def test_a_profile_that_is_not_there_is_not_cured_by_renewing_credentials() -> None:
    told = classify(boto.ProfileNotFound(profile="work"), "sts:GetCallerIdentity")
    assert told.health is Health.CREDENTIALS
    assert "sso login" not in told.cure
    assert "profile of that name" in told.cure
    assert WORDS[told.code] == "No such profile"
