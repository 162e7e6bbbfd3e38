"""What is logged names no secret, wherever in a line it would stand."""

import io
import json
import logging

import pytest

from codestar_dash.logs import logging_config

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
LEAKS = [
    ("redis://:s3cret@cache.example.com:6379/0", "s3cret"),
    ("postgres://dash:s3cret@db.example.com/dash", "s3cret"),
    ("{'Authorization': 'Bearer abc.def.ghi'}", "abc.def"),
    (f'{{"aws_secret_access_key": "{SECRET}"}}', SECRET),
    (f"x-amz-security-token: {SECRET}", SECRET),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
]


@pytest.fixture
def lines(request):
    """What our formatter writes, in either style."""
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    logging_config("INFO", request.param)
    stream = io.StringIO()
    (handler,) = logging.getLogger().handlers
    handler.setStream(stream)
    yield stream
    logging.getLogger().handlers[:], logging.getLogger().level = kept


both = pytest.mark.parametrize("lines", ["text", "json"], indirect=True)


@both
@pytest.mark.parametrize(("said", "secret"), LEAKS)
def test_a_secret_in_a_message_an_extra_or_deep_inside_one_is_masked(lines, said, secret):
    log = logging.getLogger("apps.aws")
    log.warning("said %s", said)
    log.warning("extra", extra={"told": said, "deep": {"list": [{"inner": (said, 7)}]}})
    log.warning("object", extra={"error": ValueError(said)})
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("raised")
    written = lines.getvalue()
    assert written.count("***") >= 5
    assert secret not in written


@both
def test_a_field_that_is_called_a_secret_is_masked_whatever_it_holds(lines):
    secrets = {"aws_secret_access_key": "short", "session_token": "t0k", "password": "pw1"}
    logging.getLogger("apps.aws").warning("nested", extra={"answer": {"keys": secrets}, **secrets})
    written = lines.getvalue()
    assert not [value for value in secrets.values() if value in written]


@pytest.mark.parametrize("lines", ["json"], indirect=True)
def test_what_is_no_secret_is_logged_as_it_is(lines):
    logging.getLogger("apps.aws").warning(
        "aws.call", extra={"api": "sts:GetCallerIdentity", "ms": 12, "regions": ["eu-west-1"]}
    )
    written = json.loads(lines.getvalue())
    assert (written["event"], written["ms"], written["regions"]) == ("aws.call", 12, ["eu-west-1"])
    assert written["api"] == "sts:GetCallerIdentity"
    assert written["level"] == "warning"
