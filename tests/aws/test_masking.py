"""What is kept of any text names no credential, and says the rest as it was."""

import time

import pytest

from apps.aws import masking
from apps.mirror.masking import masked

LEAK = "hunter2-and-more"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is used", "key *** is used"),
        ("ASIAIOSFODNN7EXAMPLE", "***"),
        ("clone https://ci:hunter2@example.com/x failed", "clone https://***@example.com/x failed"),
        ("ssh://git:p@ss@example.com:22/x", "ssh://***@example.com:22/x"),
        ("token ghp_0123456789012345678901234567890123456789", "token ***"),
        (f"export AWS_SECRET_ACCESS_KEY={SECRET_KEY} now", "export AWS_SECRET_ACCESS_KEY=*** now"),
        (f'{{"SecretAccessKey": "{SECRET_KEY}"}}', '{"SecretAccessKey": "***"}'),
        (
            "https://b.s3.amazonaws.com/x?X-Amz-Signature=abc&X-Amz-Security-Token=IQo%2F&v=1#top",
            "https://b.s3.amazonaws.com/x?X-Amz-Signature=***&X-Amz-Security-Token=***&v=1#top",
        ),
        ("https://example.com/job?token=abc", "https://example.com/job?token=***"),
        ("redis://:s3cret@cache.example.com:6379/0", "redis://***@cache.example.com:6379/0"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': '***'}"),
        ("authorization: basic dXNlcjpw rest", "authorization: *** rest"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=A/2/eu, SignedHeaders=host, Signature=ab1",
            "Authorization: ***",
        ),
        (f'"aws_secret_access_key": "{SECRET_KEY}"', '"aws_secret_access_key": "***"'),
        (f"x-amz-security-token:IQoJb3JpZ2luX2VjE{LEAK}", "x-amz-security-token:***"),
    ],
)
def test_what_looks_like_a_credential_is_masked(said: str, kept: str):
    assert masked(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Fix the token check in login, see https://example.com/pull/7?tab=files#L3",
        "arn:aws:codebuild:eu-west-1:111122223333:build/checkout:7f8c",
        "mail release-manager@example.com about https://example.com",
        "3f786850e387550fdab836ed7e6dc881de23001b",
        "git@github.com:example/shop.git",
        "authorization: required for everything",
        "session_token: str",
    ],
)
def test_other_text_stays_as_it_is(said: str):
    assert masked(said) == said


def test_an_address_still_opens_without_its_login():
    url = f"https://ci:{LEAK}@jenkins.example.com/job/42?delay=0#console"
    assert masking.address(url) == "https://jenkins.example.com/job/42?delay=0#console"


def test_a_source_loses_its_login_and_query():
    url = f"https://user:{LEAK}@github.com/example/shop.git?token={LEAK}"
    assert masking.without_login(url) == "https://github.com/example/shop.git"
    assert masking.without_login("git@github.com:example/shop.git").startswith("git@")
    assert LEAK not in masking.without_login(f"https://u:{LEAK}@[broken/x")


@pytest.mark.parametrize(
    "piece", ["a://", "://@", "?token", "&tokentoken=", "secret-access-key: ", "AKIA", "x" * 50]
)
def test_hostile_text_is_masked_in_no_time(piece: str):
    began = time.process_time()
    masked("https://" + piece * (100_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("form", [("Key", "Value"), ("key", "value"), None])
def test_tags_are_kept_without_what_may_be_a_secret(form: tuple[str, str] | None):
    told = {
        "team": "shop",
        "api-token": LEAK,
        "feed": f"https://ci:{LEAK}@example.com/x",
        "empty-secret": "",
    }
    tags = told if form is None else [{form[0]: key, form[1]: told[key]} for key in told]
    assert masking.tags_of(tags) == {
        "team": "shop",
        "api-token": "***",
        "feed": "https://***@example.com/x",
        "empty-secret": "",
    }
    assert masking.tags_of(None) == {}


KEY = "MIIEpAIBAAKCAQEAx0+b1TpZ/9=="
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n{KEY}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"key:\n{PEM}\nthen", PEM.replace(KEY, "***").join(("key:\n", "\nthen"))),
        # As JSON writes it, and cut at either end.
        (
            PEM.replace("\n", "\\n"),
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
        ),
        (f"-----BEGIN PRIVATE KEY-----\n{KEY}\n", "-----BEGIN PRIVATE KEY-----\n***\n"),
        (f"[x] {KEY}\n-----END PRIVATE KEY-----!", "[x]***\n-----END PRIVATE KEY-----!"),
        (f"{PEM} and {PEM}", " and ".join([PEM.replace(KEY, "***")] * 2)),
    ],
)
def test_the_body_of_a_private_key_is_masked_line_for_line(said: str, kept: str):
    assert masked(said) == kept
