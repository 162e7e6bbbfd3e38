"""Identity: whose credentials these are, and scopes named after it."""

from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from apps.aws import ambient, identity
from apps.aws.connect import Credentials, change_credentials, pause, set_regions
from apps.aws.failures import NotIdentifiedError
from apps.aws.identity import accounts_to_identify, find_out, identify
from apps.aws.models import Account, Place
from apps.aws.provider import AwsProvider
from apps.mirror.health import kind_health
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.sweep import ensure_sweeps
from tests.flight import Fault, Flight

pytestmark = pytest.mark.django_db
WHO = "sts:GetCallerIdentity"
ARN = "arn:aws:iam::111122223333:user/dashboard"
SAID = {"UserId": "AIDA", "Account": "111122223333", "Arn": ARN}
REFUSED = Fault(
    status=403,
    body=b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code>"
    b"<Message>The token is invalid</Message></Error></ErrorResponse>",
    content_type="text/xml",
)


@pytest.fixture
def sts(monkeypatch):
    flight = Flight().on(WHO, SAID)
    flight.regions = []

    flight.refusing = set()

    def reach_of(_account, region):
        flight.regions.append(region)
        return (refusing if region in flight.refusing else flight).reach()

    refusing = Flight().on(WHO, REFUSED)

    monkeypatch.setattr(identity, "reach_of", reach_of)
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)
    return flight


def connected(name="production", number="", *regions, enabled=False):
    owner = Account.objects.create(name=name, method=Account.Method.AMBIENT, account_id=number)
    for region in regions or ("eu-west-1",):
        waiting = f"{number or name}/{region}"
        scope = Scope.objects.create(
            provider="aws", place=waiting, account=number, region=region, enabled=enabled
        )
        Place.objects.create(account=owner, region=region, scope=scope)
    return owner


def test_who_we_are_is_written_down(sts):
    owner = connected("production", "111122223333")
    assert identify(owner)
    owner.refresh_from_db()
    assert (owner.account_id, owner.caller_arn) == ("111122223333", ARN)
    assert owner.identified_at is not None
    assert accounts_to_identify() == []


def test_scopes_that_waited_for_the_number_get_their_name_and_begin(sts):
    owner = connected("ambient", "", "eu-west-1", "us-east-1")
    for scope in Scope.objects.all():
        ensure_sweeps(scope)
    Sweep.objects.update(due_at=now() + timedelta(hours=1))
    assert identify(owner)
    assert set(Scope.objects.values_list("place", "account", "enabled")) == {
        ("111122223333/eu-west-1", "111122223333", True),
        ("111122223333/us-east-1", "111122223333", True),
    }
    assert not Sweep.objects.filter(due_at__gt=now()).exists()


def test_a_region_somebody_switched_off_stays_off_when_asked_again(sts):
    owner = connected("production", "111122223333")
    identify(owner)
    set_regions(owner, [])
    identify(Account.objects.get())
    assert not Scope.objects.get().enabled


def test_a_region_somebody_switched_off_stays_off_when_its_account_gets_its_number(sts):
    owner = connected("ambient", "", "eu-west-1", "us-east-1")
    owner.places.filter(region="us-east-1").update(wanted=False)
    assert identify(owner)
    assert dict(Scope.objects.values_list("region", "enabled")) == {
        "eu-west-1": True,
        "us-east-1": False,
    }


def test_an_account_that_somebody_paused_stays_paused_and_is_not_asked(sts):
    owner = connected("ambient", "")
    pause(owner, by="release-manager")
    assert accounts_to_identify() == []
    assert identify(Account.objects.get())
    assert not Scope.objects.get().enabled


def test_an_account_that_was_put_aside_is_not_asked(sts):
    ambient.park([connected("ambient", "")])
    assert accounts_to_identify() == []
    ambient.unpark(Account.objects.get())
    assert len(accounts_to_identify()) == 1


# --- Where STS is asked ---------------------------------------------------------------------------


def test_a_region_that_must_be_enabled_first_is_not_asked_where_another_can_be(sts):
    sts.refusing = {"af-south-1"}
    owner = connected("production", "111122223333", "af-south-1", "eu-west-1")
    assert identify(owner)
    assert sts.regions == ["eu-west-1"]


def test_a_region_that_was_never_opted_in_to_does_not_take_the_account_down(sts):
    sts.refusing = {"af-south-1"}
    owner = connected("production", "111122223333", "af-south-1")
    assert identify(owner)
    assert sts.regions == ["us-east-1"]


def test_a_region_that_was_taken_off_is_not_asked(sts):
    owner = connected("production", "111122223333", "eu-central-1", "eu-west-1")
    set_regions(owner, ["eu-west-1"])
    identify(owner)
    assert sts.regions == ["eu-west-1"]


def test_credentials_are_called_wrong_only_where_every_region_refuses_them(sts):
    sts.refusing = {"eu-west-1", "us-east-1"}
    owner = connected("production", "111122223333", "eu-west-1", "us-east-1")
    assert find_out(owner).health is Health.CREDENTIALS
    sts.refusing = {"eu-west-1"}
    assert identify(owner)
    sts.on(WHO, EndpointConnectionError(endpoint_url="https://sts.example.com"))
    assert find_out(owner).health is Health.UNREACHABLE


def test_behind_an_endpoint_of_its_own_one_sts_is_asked(sts):
    connected("simulated", "111122223333", "af-south-1", "eu-west-1")
    Account.objects.update(endpoint_url="https://aws.example.com")
    identify(Account.objects.get())
    assert sts.regions == ["af-south-1"]


# --- Meanwhile ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [SAID, REFUSED], ids=["accepted", "refused"])
def test_what_old_credentials_were_told_says_nothing_of_new_ones(sts, answer):
    owner = connected("production", "111122223333")

    def slow(_params):
        change_credentials(
            Account.objects.get(),
            Credentials(method="keys", access_key_id="AKIDNEW", secret_access_key="new"),
            by="release-manager",
        )
        return answer

    sts.on(WHO, slow)
    assert find_out(owner) is not None
    stored = Account.objects.get()
    assert (stored.identified_at, stored.identity_error, stored.caller_arn) == (None, "", "")


def test_an_account_that_waits_for_its_number_says_on_its_scopes_why(sts):
    owner = connected("ambient", "", "eu-west-1", "us-east-1")
    sts.on(WHO, REFUSED)
    assert not identify(owner)
    told = kind_health(Scope.objects.all())
    assert {item.scope.region for item in told if item.troubled} == {"eu-west-1", "us-east-1"}
    assert {item.state for item in told} == {"credentials"}
    assert {item.error for item in told} == {"The token is invalid"}
    assert all(item.cure for item in told)
    sts.on(WHO, SAID)
    assert identify(Account.objects.get())
    assert {item.state for item in kind_health(Scope.objects.all())} == {"not_tried"}


def test_a_sweep_on_the_terminal_says_why_an_account_is_not_identified(sts, capsys):
    connected("ambient", "")
    Scope.objects.update(label="Credentials of this machine")
    sts.on(WHO, REFUSED)
    with pytest.raises(SystemExit):
        call_command("sweep")
    said = capsys.readouterr().out
    assert "Credentials of this machine eu-west-1: not swept" in said
    assert said.count("The token is invalid") == 1
    assert "Give new ones on its page." in said


def test_a_sweep_on_the_terminal_says_that_every_account_is_paused(sts):
    pause(connected("production", "111122223333"), by="release-manager")
    with pytest.raises(CommandError, match="paused"):
        call_command("sweep")


# --- This machine's credentials -------------------------------------------------------------------


def test_this_machines_credentials_go_on_with_the_account_they_open_now(sts):
    owner = connected(ambient.NAME, "444455556666", "eu-west-1", enabled=True)
    Account.objects.update(managed=True)
    assert not identify(Account.objects.get())
    before, after = Account.objects.get(pk=owner.pk), Account.objects.exclude(pk=owner.pk).get()
    assert (before.parked_at is None, before.identity_error) == (False, "")
    assert (after.account_id, after.parked_at, after.managed) == ("111122223333", None, True)
    assert after.caller_arn == ARN
    assert dict(Scope.objects.values_list("place", "enabled")) == {
        "444455556666/eu-west-1": False,
        "111122223333/eu-west-1": True,
    }
    assert accounts_to_identify() == []
    # And back, when the profile is the first one again.
    sts.on(WHO, {**SAID, "Account": "444455556666"})
    assert not identify(Account.objects.get(pk=after.pk))
    assert Account.objects.count() == 2
    assert Account.objects.get(parked_at=None).pk == owner.pk
    assert Scope.objects.get(enabled=True).place == "444455556666/eu-west-1"


def test_an_account_a_person_connected_is_not_taken_over(sts):
    connected("by hand", "111122223333", enabled=True)
    owner = connected(ambient.NAME, "444455556666")
    Account.objects.filter(pk=owner.pk).update(managed=True)
    assert not identify(Account.objects.get(pk=owner.pk))
    owner.refresh_from_db()
    assert "open account 111122223333" in owner.identity_error
    assert Account.objects.count() == 2


def test_credentials_of_another_account_are_an_error_and_not_followed(sts):
    owner = connected("production", "444455556666")
    assert not identify(owner)
    owner.refresh_from_db()
    assert owner.identity_error == "These credentials open account 111122223333, not 444455556666."
    assert owner.identity_cure
    assert owner.account_id == "444455556666"
    assert Scope.objects.get().place == "444455556666/eu-west-1"


def test_an_account_that_is_connected_twice_says_so_for_as_long_as_it_is(sts):
    connected("first", "111122223333", enabled=True)
    second = connected("second", "")
    for _ in range(2):
        identify(Account.objects.get(pk=second.pk))
        second.refresh_from_db()
        assert "connected twice in eu-west-1" in second.identity_error
        assert not second.places.get().scope.enabled
    assert Scope.objects.filter(place="111122223333/eu-west-1").count() == 1


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (REFUSED, "The token is invalid"),
        (EndpointConnectionError(endpoint_url="https://sts.example.com"), "sts.example.com"),
        (Fault.page(200), "no AWS answer"),
    ],
    ids=["refused", "unreachable", "a page"],
)
def test_a_failure_is_told_with_its_cure_and_tried_again(sts, trouble, says):
    sts.on(WHO, trouble)
    owner = connected("production", "111122223333")
    assert not identify(owner)
    owner.refresh_from_db()
    assert says in owner.identity_error
    assert owner.identity_cure
    assert accounts_to_identify() == []
    Account.objects.update(identity_due_at=now())
    assert accounts_to_identify() == [owner]
    sts.on(WHO, SAID)
    assert identify(owner)
    owner.refresh_from_db()
    assert owner.identity_error == owner.identity_cure == ""


def test_an_identity_is_asked_again_after_a_quarter_of_an_hour(sts):
    connected("production", "111122223333")
    Account.objects.update(identified_at=now() - timedelta(minutes=16))
    assert len(accounts_to_identify()) == 1
    Account.objects.update(identified_at=now() - timedelta(minutes=14))
    assert accounts_to_identify() == []


def test_it_is_asked_in_the_accounts_own_region(sts):
    identify(connected("china", "111122223333", "cn-north-1"))
    identify(Account.objects.create(name="placeless", method=Account.Method.AMBIENT))
    assert sts.regions == ["cn-north-1", "us-east-1"]


def test_credentials_of_another_account_open_nothing_so_that_rows_never_mix(sts):
    owner = connected("production", "444455556666")
    scope = owner.places.get().scope
    with pytest.raises(NotIdentifiedError, match="open account 111122223333, not 444455556666"):
        AwsProvider().open(scope)
    owner.refresh_from_db()
    assert owner.identified_at is None
    assert "444455556666" in owner.identity_error
