"""What each start connects, and what it leaves alone of the start before."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils.timezone import now

from apps.aws import ambient
from apps.aws.connect import connect, pause, set_regions
from apps.aws.failures import EndpointRefusedError
from apps.aws.identity import accounts_to_identify, identify
from apps.aws.models import Account, Place
from apps.aws.purge import announce
from apps.mirror.models import Scope
from codestar_dash import connecting
from tests.aws.wire import PretendedAws, pretended

__all__ = ["pretended"]
pytestmark = pytest.mark.django_db
SANDBOX = "http://127.0.0.1:4000"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr("celery.app.task.Task.delay", lambda *_args: None)
    for name in ("AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


def start(mode: str) -> None:
    """What start.py does of it."""
    if mode == "real":
        connecting.disconnect_sandbox()
        connecting.connect_ambient()
        return
    connecting.disconnect_ambient()
    if mode == "sandbox":
        connecting.connect_sandbox(SANDBOX)
    else:
        connecting.disconnect_sandbox()


def swept() -> set[str]:
    return set(Scope.objects.filter(enabled=True).values_list("label", flat=True))


def shown() -> set[str]:
    return set(Scope.objects.filter(parked=False).values_list("label", flat=True))


def test_an_account_that_was_being_deleted_when_the_process_ended_is_made_anew(
    pretended: PretendedAws,
) -> None:
    start("sandbox")
    before = Account.objects.get(account_id="111122223333")
    announce(before, by="admin")
    # Nothing deleted it: the worker ended with the process.
    connecting.finish_removals()
    start("sandbox")
    after = Account.objects.get(account_id="111122223333")
    assert after.pk != before.pk
    assert after.removed_at is None


def test_a_region_that_another_connection_sweeps_is_left_to_it(
    pretended: PretendedAws, caplog: pytest.LogCaptureFixture
) -> None:
    connect(
        name="by role",
        method=Account.Method.ROLE,
        regions=["eu-west-1"],
        account_id="111122223333",
        role_arn="arn:aws:iam::111122223333:role/dashboard",
    )
    start("sandbox")
    sandbox = Account.objects.get(account_id="111122223333", managed=True)
    assert [place.region for place in sandbox.places.all()] == ["us-east-1"]
    assert "account.regions_taken" in caplog.text


@pytest.mark.parametrize("mode", ["sandbox", "none"])
def test_without_aws_real_this_machines_credentials_are_not_used(
    mode: str, pretended: PretendedAws
) -> None:
    # Never identified: its scopes were not swept yet when it was put aside.
    start("real")
    start(mode)
    for account in accounts_to_identify():
        identify(account)
    real = {place.scope.label for place in Place.objects.filter(account__method="ambient")}
    assert real == {ambient.NAME}
    assert not swept() & real
    assert not shown() & real
    assert "GetCallerIdentity" not in {
        name
        for region, name in pretended.asked
        if region == "eu-west-1"  # the sandbox is asked at its own address
    }


def test_after_a_start_with_the_sandbox_a_real_one_shows_none_of_it(
    pretended: PretendedAws,
) -> None:
    pretended.account = "123456789012"
    start("sandbox")
    assert swept() == set(connecting.SANDBOX_ACCOUNTS.values())
    start("real")
    assert shown() == {ambient.NAME}
    assert identify(Account.objects.get(name=ambient.NAME))
    assert swept() == {ambient.NAME}
    start("sandbox")
    assert swept() == shown() == set(connecting.SANDBOX_ACCOUNTS.values())


def test_what_a_person_decided_outlives_every_start(pretended: PretendedAws) -> None:
    start("sandbox")
    tools, production = Account.objects.order_by("account_id")
    pause(tools, by="release-manager")
    set_regions(production, ["us-east-1"])
    for mode in ("none", "real", "sandbox"):
        start(mode)
    assert list(Scope.objects.filter(enabled=True).values_list("place", flat=True)) == [
        "444455556666/us-east-1"
    ]


def test_another_profile_goes_on_with_the_row_of_its_own_account(pretended: PretendedAws) -> None:
    start("real")
    identify(Account.objects.get())
    pretended.account = "444455556666"
    start("real")
    for account in accounts_to_identify():
        identify(account)
    assert Account.objects.count() == 2
    assert list(Scope.objects.filter(enabled=True).values_list("account", flat=True)) == [
        "444455556666"
    ]
    assert not Account.objects.exclude(identity_error="").exists()
    # The next start begins where this one ended.
    start("real")
    assert Account.objects.get(parked_at=None).account_id == "444455556666"


def test_the_endpoint_of_the_environment_keeps_to_the_rules(
    monkeypatch: pytest.MonkeyPatch, pretended: PretendedAws
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:hunter2@127.0.0.1:4000")
    with pytest.raises(EndpointRefusedError, match="Leave user and password out"):
        start("real")
    assert not Account.objects.exists()
    # The operator's own may lead into the network.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4000/")
    start("real")
    assert Account.objects.get().endpoint_url == "http://127.0.0.1:4000"


def test_leases_of_a_process_that_is_gone_are_taken_back() -> None:
    start("sandbox")
    Place.objects.update(listened_until=now(), rest_until=now())
    Scope.objects.update(reread_until=now())
    connecting.release_leases()
    assert not Place.objects.exclude(listened_until=None).exists()
    assert not Scope.objects.exclude(reread_until=None).exists()


def test_a_region_that_boto3_does_not_know_yet_is_taken_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    settings.AWS_REGIONS = ["eu-west-1", "eu-newest-1"]
    with caplog.at_level("WARNING"):
        connecting.connect_ambient()
    assert "eu-newest-1" in Place.objects.values_list("region", flat=True)
    warned = [record for record in caplog.records if record.getMessage() == "region.unknown"]
    assert [record.__dict__["region"] for record in warned] == ["eu-newest-1"]


def test_what_is_no_region_is_refused_and_nothing_is_connected(settings: Any) -> None:
    settings.AWS_REGIONS = ["eu-west-1", "mars-1"]
    with pytest.raises(connecting.UnknownRegionError, match="'mars-1' is no region of AWS"):
        connecting.connect_ambient()
    assert not Account.objects.exists()


def test_a_start_asks_anew_for_every_account_that_failed() -> None:
    account = connect(name="production", method="keys", regions=["eu-west-1"])
    Account.objects.update(
        identity_error="refused", identity_due_at=now() + timedelta(minutes=5), identity_failures=6
    )
    assert accounts_to_identify() == []
    connecting.ask_anew()
    assert accounts_to_identify() == [account]
