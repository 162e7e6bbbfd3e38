"""Sessions and clients: every way of getting in, cached until the credentials change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError, EndpointConnectionError, ProfileNotFound
from botocore.httpsession import URLLib3Session
from django.core.cache import cache
from django.db import connection
from django.utils.timezone import now

from apps.aws import session
from apps.aws.models import Account, Place
from apps.aws.provider import AwsProvider
from apps.aws.reaching import reach_of
from apps.aws.regions import partition_of
from apps.aws.session import door, endpoint_of, forget, is_guarded, make_session
from apps.mirror.due import take
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.sweep import ensure_sweeps, run
from tests.aws.wire import STS_ERROR, _Raw, pretended

__all__ = ["pretended"]

pytestmark = pytest.mark.django_db
LIST = "codepipeline:ListPipelines"
ROLE = "arn:aws:iam::444455556666:role/codestar-dash"
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey>
<SessionToken>assumed-token</SessionToken><Expiration>{until}</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>AROA:codestar-dash</AssumedRoleId><Arn>{role}</Arn></AssumedRoleUser>
</AssumeRoleResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>
</AssumeRoleResponse>"""
REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>AccessDenied</Code><Message>Not you</Message></Error>
<RequestId>r-2</RequestId></ErrorResponse>"""


class Wire:
    """What goes over the wire below real boto3."""

    def __init__(self) -> None:
        self.assumed: list[dict[str, str]] = []
        # Who signed each call that is not to STS, and where it went.
        self.signed: list[tuple[str, str, bool]] = []
        self.lasts = timedelta(hours=1)
        self.refuses = False

    def send(self, request: Any) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        if "Action=AssumeRole" in body:
            self.assumed.append({key: value[0] for key, value in parse_qs(body).items()})
            self.assumed[-1]["url"] = request.url
            until = (datetime.now(UTC) + self.lasts).isoformat()
            key = f"ASIAASSUMED{len(self.assumed)}"
            text = ASSUMED.format(key=key, until=until, role=ROLE)
            if self.refuses:
                return self._answer(request, 403, REFUSED, "text/xml")
            return self._answer(request, 200, text, "text/xml")
        head = request.headers["Authorization"]
        head = head.decode() if isinstance(head, bytes) else head
        signer = head.partition("Credential=")[2].partition("/")[0]
        self.signed.append((signer, request.url, "X-Amz-Security-Token" in request.headers))
        return self._answer(request, 200, '{"pipelines": []}', "application/x-amz-json-1.1")

    def _answer(self, request: Any, status: int, text: str, kind: str) -> AWSResponse:
        headers = HeadersDict({"content-type": kind})
        return AWSResponse(request.url, status, headers, _Raw(text.encode()))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(URLLib3Session, "send", lambda _session, request: wire.send(request))
    monkeypatch.setattr(session, "_doors", {})
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)
    return wire


def account(method: Account.Method, **more: Any) -> Account:
    made = Account.objects.create(
        name=f"{method}-{Account.objects.count()}", method=method, account_id="111122223333", **more
    )
    return Account.objects.select_related("base").get(pk=made.pk)


def keys(**more: Any) -> Account:
    return account(
        Account.Method.KEYS,
        access_key_id="AKIDEXAMPLE",
        secret_access_key="stored-secret",
        **more,
    )


# --- Ways in --------------------------------------------------------------------------------------


def test_stored_keys_sign_calls(wire):
    reach_of(keys(), "eu-west-1").call(LIST)
    (signer, url, token) = wire.signed[0]
    assert (signer, token) == ("AKIDEXAMPLE", False)
    assert url == "https://codepipeline.eu-west-1.amazonaws.com/"


def test_stored_keys_may_come_with_a_session_token(wire):
    reach_of(keys(session_token="stored-token"), "eu-west-1").call(LIST)
    assert wire.signed[0][2]


def test_ambient_credentials_are_those_of_the_machine(wire):
    reach_of(account(Account.Method.AMBIENT), "us-east-1").call(LIST)
    assert wire.signed[0][0] == "testing"


def test_a_named_profile_is_read_from_the_machines_configuration(wire, monkeypatch, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    reach_of(account(Account.Method.PROFILE, profile="work"), "eu-west-1").call(LIST)
    assert wire.signed[0][0] == "AKIDWORK"


def test_a_profile_that_does_not_exist_is_told_on_the_scope(wire):
    scope = Scope.objects.create(provider="aws", place="111122223333/eu-west-1")
    lost = account(Account.Method.PROFILE, profile="lost")
    Place.objects.create(account=lost, region="eu-west-1", scope=scope)
    with pytest.raises(ProfileNotFound):
        make_session(lost, "eu-west-1")
    ensure_sweeps(scope)
    row = Sweep.objects.get(kind="codepipeline.pipeline")
    assert take(row)
    assert run(row, whole=True) is None
    told = Operation.objects.get(kind="codepipeline.pipeline")
    assert (told.health, told.code) == ("credentials", "ProfileNotFound")
    assert "lost" in told.error


def test_no_credentials_anywhere_is_told_and_no_crash(wire, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    reach = reach_of(account(Account.Method.AMBIENT), "eu-west-1")
    assert reach.detail(LIST) is None
    assert reach.outcomes[LIST].failure.health is Health.CREDENTIALS
    assert reach.outcomes[LIST].failure.code == "NoCredentialsError"


# --- Roles ----------------------------------------------------------------------------------------


def test_a_role_is_assumed_with_its_external_id_at_the_regions_own_sts(wire):
    role = account(Account.Method.ROLE, role_arn=ROLE, external_id="codestar-dash-42")
    reach_of(role, "eu-west-1").call(LIST)
    (asked,) = wire.assumed
    assert asked["RoleArn"] == ROLE
    assert asked["ExternalId"] == "codestar-dash-42"
    assert asked["RoleSessionName"] == "codestar-dash"
    assert asked["url"] == "https://sts.eu-west-1.amazonaws.com/"
    assert wire.signed[0][0] == "ASIAASSUMED1"
    assert wire.signed[0][2]


def test_a_role_is_assumed_once_for_all_calls_and_services(wire):
    role = account(Account.Method.ROLE, role_arn=ROLE)
    reach = reach_of(role, "eu-west-1")
    for _ in range(3):
        reach.call(LIST)
    reach_of(role, "eu-west-1").detail("codebuild:ListProjects")
    assert len(wire.assumed) == 1


def test_a_role_is_assumed_anew_before_its_credentials_run_out(wire):
    wire.lasts = timedelta(minutes=5)
    reach = reach_of(account(Account.Method.ROLE, role_arn=ROLE), "eu-west-1")
    reach.call(LIST)
    reach.call(LIST)
    assert len(wire.assumed) >= 2


def test_a_role_may_be_assumed_from_another_accounts_keys(wire):
    base = keys()
    role = account(Account.Method.ROLE, role_arn=ROLE, base=base, external_id="")
    reach_of(role, "eu-west-1").call(LIST)
    assert "ExternalId" not in wire.assumed[0]
    assert wire.signed[0][0] == "ASIAASSUMED1"


def test_a_role_that_refuses_us_is_told_with_its_cure(wire):
    wire.refuses = True
    reach = reach_of(account(Account.Method.ROLE, role_arn=ROLE), "eu-west-1")
    with pytest.raises(ClientError):
        reach.call(LIST)
    told = reach.outcomes[LIST].failure
    assert told.health is Health.CREDENTIALS
    assert "external id" in told.cure


# --- Endpoints ------------------------------------------------------------------------------------


def test_the_endpoint_belongs_to_the_account_alone(wire):
    own = keys(endpoint_url="https://aws.example.com")
    reach_of(own, "eu-west-1").call(LIST)
    reach_of(keys(), "eu-west-1").call(LIST)
    assert [url for _, url, _ in wire.signed] == [
        "https://aws.example.com/",
        "https://codepipeline.eu-west-1.amazonaws.com/",
    ]


def test_an_ambient_endpoint_does_not_bend_other_accounts(wire, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example.com")
    reach_of(keys(), "eu-west-1").call(LIST)
    assert wire.signed[0][1] == "https://codepipeline.eu-west-1.amazonaws.com/"


def test_a_role_uses_the_endpoint_of_the_account_it_is_assumed_from(wire):
    base = keys(endpoint_url="https://aws.example.com")
    role = account(Account.Method.ROLE, role_arn=ROLE, base=base)
    assert endpoint_of(role) == "https://aws.example.com"
    assert is_guarded(role)
    reach_of(role, "eu-west-1").call(LIST)
    assert wire.assumed[0]["url"] == "https://aws.example.com/"


def test_for_a_region_that_may_be_off_a_role_is_assumed_where_every_account_may(wire):
    reach_of(account(Account.Method.ROLE, role_arn=ROLE), "af-south-1").call(LIST)
    assert wire.assumed[0]["url"] == "https://sts.us-east-1.amazonaws.com/"
    assert wire.signed[0][1] == "https://codepipeline.af-south-1.amazonaws.com/"


def test_a_role_is_assumed_in_the_region_where_its_partitions_first_one_is_out_of_reach(wire):
    plain = wire.send

    def send(request):
        if "sts.us-east-1" in request.url:
            raise EndpointConnectionError(endpoint_url=request.url)
        return plain(request)

    wire.send = send
    reach_of(account(Account.Method.ROLE, role_arn=ROLE), "af-south-1").call(LIST)
    assert wire.assumed[0]["url"] == "https://sts.af-south-1.amazonaws.com/"


def test_a_profile_that_was_renewed_is_read_anew(wire, monkeypatch, tmp_path):
    file = tmp_path / "credentials"
    entry = "[work]\naws_access_key_id = {}\naws_secret_access_key = s\n"
    file.write_text(entry.format("AKIDOLD"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    plain = wire._answer

    def answer(request, status, text, kind):
        if wire.signed[-1][0] == "AKIDOLD":
            refused = '{"__type": "ExpiredTokenException", "message": "expired"}'
            return plain(request, 400, refused, kind)
        return plain(request, status, text, kind)

    wire._answer = answer
    owner = account(Account.Method.PROFILE, profile="work")
    assert reach_of(owner, "eu-west-1").detail(LIST) is None
    file.write_text(entry.format("AKIDNEW"))
    # Not for each call: a session costs more than it may gain.
    assert reach_of(owner, "eu-west-1").detail(LIST) is None
    monkeypatch.setattr(session, "REFUSED_FOR", 0.0)
    assert reach_of(owner, "eu-west-1").detail(LIST) is not None
    assert [signer for signer, _, _ in wire.signed] == ["AKIDOLD", "AKIDOLD", "AKIDNEW"]


def test_credentials_that_appear_are_found(wire, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    owner = account(Account.Method.AMBIENT)
    assert reach_of(owner, "eu-west-1").detail(LIST) is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDLATER")
    monkeypatch.setattr(session, "REFUSED_FOR", 0.0)
    assert reach_of(owner, "eu-west-1").detail(LIST) is not None


def test_what_the_start_command_started_and_that_ended_is_cured_by_a_new_start(wire):
    cache.clear()

    def gone(request):
        raise EndpointConnectionError(endpoint_url=request.url)

    wire.send = gone
    owner = keys(endpoint_url="http://127.0.0.1:4000", managed=True, identified_at=now())
    scope = Scope.objects.create(provider="aws", place="111122223333/eu-west-1")
    Place.objects.create(account=owner, region="eu-west-1", scope=scope)
    reach = AwsProvider().open(scope)
    assert reach.detail(LIST) is None
    assert "start it again" in reach.outcomes[LIST].failure.cure
    Account.objects.update(managed=False)
    reach = AwsProvider().open(scope)
    assert reach.detail(LIST) is None
    assert "proxy" in reach.outcomes[LIST].failure.cure


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_a_region_tells_its_partition(region, partition):
    assert partition_of(region) == partition


# --- Doors ----------------------------------------------------------------------------------------


def test_clients_are_made_once_an_account_and_region(wire):
    owner = keys()
    again = Account.objects.get(pk=owner.pk)
    assert door(owner, "eu-west-1") is door(again, "eu-west-1")
    first = door(owner, "eu-west-1").client("codepipeline")
    assert door(again, "eu-west-1").client("codepipeline") is first
    assert door(owner, "us-east-1") is not door(owner, "eu-west-1")
    assert door(keys(), "eu-west-1") is not door(owner, "eu-west-1")


@pytest.mark.parametrize(
    "change",
    [
        {"secret_access_key": "other"},
        {"access_key_id": "AKIDOTHER"},
        {"session_token": "t"},
        {"endpoint_url": "https://aws.example.com"},
        {"method": Account.Method.AMBIENT},
    ],
    ids=str,
)
def test_changed_credentials_make_a_new_door(wire, change):
    owner = keys()
    before = door(owner, "eu-west-1")
    for name, value in change.items():
        setattr(owner, name, value)
    owner.save()
    assert door(Account.objects.get(pk=owner.pk), "eu-west-1") is not before


def test_changed_credentials_of_the_base_make_a_new_door(wire):
    base = keys()
    role = account(Account.Method.ROLE, role_arn=ROLE, base=base)
    before = door(role, "eu-west-1")
    base.secret_access_key = "other"
    base.save()
    assert door(Account.objects.get(pk=role.pk), "eu-west-1") is not before


def test_what_does_not_open_anything_leaves_the_door_alone(wire):
    owner = keys()
    before = door(owner, "eu-west-1")
    Account.objects.update(name="renamed", caller_arn="arn:aws:iam::1:user/x")
    assert door(Account.objects.get(pk=owner.pk), "eu-west-1") is before


def test_a_deleted_accounts_door_is_forgotten(wire):
    owner = keys()
    before = door(owner, "eu-west-1")
    forget(owner.pk)
    assert door(owner, "eu-west-1") is not before


def test_an_account_that_is_only_tried_is_not_remembered(wire):
    trial = Account(name="trial", method=Account.Method.AMBIENT)
    assert door(trial, "eu-west-1") is not door(trial, "eu-west-1")


# --- Through the mirror ---------------------------------------------------------------------------


def test_a_scope_is_opened_through_its_place(wire):
    owner = keys()
    scope = Scope.objects.create(provider="aws", place="111122223333/us-east-1")
    Place.objects.create(account=owner, region="us-east-1", scope=scope)
    Account.objects.update(identified_at=now())
    reach = AwsProvider().open(scope)
    assert (reach.account, reach.region, reach.name) == (
        "111122223333",
        "us-east-1",
        "111122223333/us-east-1",
    )
    reach.call(LIST)
    assert wire.signed[0][1] == "https://codepipeline.us-east-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("elsewhere", "health"), [(200, Health.NOT_OPTED_IN), (403, Health.CREDENTIALS)]
)
def test_whether_keys_are_wrong_or_a_region_off_is_asked_of_sts_at_once(
    pretended, elsewhere, health
):
    cache.clear()
    wrong = STS_ERROR.format(code="InvalidClientTokenId", message="The token is invalid.")
    pretended.deny("ListPipelines", "UnrecognizedClientException", "The token is invalid")
    # A region that was never opted in to refuses good keys, even at STS.
    pretended.answers["af-south-1", "GetCallerIdentity"] = (403, wrong)
    if elsewhere == 403:
        pretended.answers["GetCallerIdentity"] = (403, wrong)
    owner = keys(identified_at=now())
    scope = Scope.objects.create(provider="aws", place="111122223333/af-south-1")
    Place.objects.create(account=owner, region="af-south-1", scope=scope)
    for _ in range(2):
        reach = AwsProvider().open(scope)
        assert reach.detail(LIST) is None
        assert reach.outcomes[LIST].failure.health is health
    # Once a minute is enough.
    asked = [region for region, name in pretended.asked if name == "GetCallerIdentity"]
    assert asked == (["us-east-1"] if elsewhere == 200 else ["us-east-1", "af-south-1"])


@pytest.mark.sql
def test_no_secret_lies_open_in_the_database_or_in_what_is_printed(wire):
    owner = keys(session_token="stored-token")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM aws_account")
        kept = repr(cursor.fetchall())
    printed = repr(owner) + repr(vars(owner)) + owner.stamp + repr(door(owner, "eu-west-1").stamp)
    for secret in ("stored-secret", "stored-token"):
        assert secret not in kept
        assert secret not in printed
