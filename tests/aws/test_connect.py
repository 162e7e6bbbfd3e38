"""Connecting an account: rows, scopes and sweeps; regions come and go, rows stay."""

from typing import Any

import pytest
from django.core.cache import cache

from apps.audit.models import Record
from apps.aws import ambient, purge
from apps.aws import connect as connecting
from apps.aws.connect import AlreadyConnectedError, Credentials, connect, set_regions
from apps.aws.identity import identify
from apps.aws.models import Account
from apps.aws.places import wanted_regions
from apps.aws.tasks import resume_purges
from apps.aws.trust import principal_of, trust_policy
from apps.codepipeline.models import Execution, Pipeline
from apps.mirror.models import Change, Link, Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sealed import reveal
from tests.aws.wire import PretendedAws, pretended
from tests.factories import make_user

__all__ = ["pretended"]
pytestmark = pytest.mark.django_db

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def _connected(name: str = "production", **more: Any) -> Account:
    given = {
        "method": Account.Method.KEYS,
        "regions": ["eu-west-1", "us-east-1"],
        "account_id": "111122223333",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": SECRET,
    }
    return connect(name=name, **{**given, **more})


def _enabled() -> dict[str, bool]:
    return dict(Scope.objects.order_by("place").values_list("place", "enabled"))


def test_a_connected_account_has_a_scope_for_each_region_that_is_due_at_once() -> None:
    account = _connected()
    assert _enabled() == {"111122223333/eu-west-1": True, "111122223333/us-east-1": True}
    assert set(Scope.objects.values_list("label", "account")) == {("production", "111122223333")}
    kinds = {resource.kind for resource in REGISTER.of("aws")}
    for place in account.places.all():
        assert set(place.scope.sweeps.values_list("kind", flat=True)) == kinds


def test_a_name_is_given_once() -> None:
    _connected()
    with pytest.raises(AlreadyConnectedError, match="connected as production already"):
        _connected(account_id="444455556666")
    assert Account.objects.count() == 1


def test_an_account_is_not_swept_twice_in_a_region_and_nothing_is_half_written() -> None:
    _connected()
    with pytest.raises(AlreadyConnectedError, match="connected in us-east-1 already"):
        _connected("again", regions=["ap-south-1", "us-east-1"])
    assert list(Account.objects.values_list("name", flat=True)) == ["production"]
    assert "111122223333/ap-south-1" not in _enabled()


def test_an_account_whose_number_nobody_knows_waits_for_it(pretended: PretendedAws) -> None:
    account = _connected(account_id="")
    assert set(_enabled().values()) == {False}
    assert identify(account)
    assert _enabled() == {"111122223333/eu-west-1": True, "111122223333/us-east-1": True}


def test_a_region_taken_off_keeps_its_rows_and_comes_back_with_them() -> None:
    account = _connected()
    scope = Scope.objects.get(region="us-east-1")
    Pipeline.objects.create(scope=scope, key="shop")
    set_regions(account, ["eu-west-1", "eu-central-1"])
    assert _enabled() == {
        "111122223333/eu-central-1": True,
        "111122223333/eu-west-1": True,
        "111122223333/us-east-1": False,
    }
    set_regions(account, ["us-east-1"])
    assert Pipeline.objects.get().scope.enabled
    assert Scope.objects.count() == 3


def test_a_region_taken_off_before_the_number_is_known_is_forgotten(
    pretended: PretendedAws,
) -> None:
    account = _connected(account_id="")
    set_regions(account, ["eu-west-1"])
    identify(Account.objects.get())
    assert _enabled() == {"111122223333/eu-west-1": True}


def test_what_the_start_command_connects_twice_is_there_once() -> None:
    _connected(managed=True, endpoint_url="http://127.0.0.1:4000")
    account = _connected(managed=True, endpoint_url="http://127.0.0.1:5000", regions=["eu-west-2"])
    assert Account.objects.get().endpoint_url == "http://127.0.0.1:5000"
    assert account.external_id == Account.objects.get().external_id
    assert len(_enabled()) == 3


def test_a_region_that_a_person_took_off_stays_off_at_the_next_start() -> None:
    set_regions(_connected(managed=True), ["eu-west-1"], by="release-manager")
    _connected(managed=True)
    assert _enabled()["111122223333/us-east-1"] is False


def test_the_start_command_takes_no_account_that_a_person_connected() -> None:
    _connected()
    with pytest.raises(AlreadyConnectedError):
        _connected(managed=True)


def test_a_role_without_an_external_id_gets_one_nobody_can_guess() -> None:
    role = {"method": Account.Method.ROLE, "role_arn": "arn:aws:iam::111122223333:role/dash"}
    one = _connected(**role)
    other = _connected("other", **role, regions=["eu-west-2"])
    assert len(one.external_id) > 24
    assert one.external_id != other.external_id


def test_new_credentials_name_scopes_that_waited() -> None:
    account = _connected(account_id="")
    given = Credentials(method="keys", account_id="111122223333", access_key_id="AKIDEXAMPLE")
    connecting.change_credentials(account, given, by="release-manager")
    assert set(_enabled().values()) == {True}


def test_new_credentials_are_asked_who_they_are_and_keep_the_rows() -> None:
    account = _connected()
    Pipeline.objects.create(scope=Scope.objects.first(), key="shop")
    Account.objects.update(identity_error="expired", identity_cure="renew")
    account.refresh_from_db()
    connecting.change_credentials(
        account,
        Credentials(method="keys", access_key_id="AKIDOTHER", secret_access_key="another"),
        by="release-manager",
    )
    stored = Account.objects.get()
    assert (stored.identity_error, stored.identified_at) == ("", None)
    assert stored.account_id == "111122223333"
    assert reveal(stored.secret_access_key) == "another"
    assert Pipeline.objects.count() == 1


def test_an_account_can_rest_and_go_on() -> None:
    account = _connected()
    connecting.pause(account, by="release-manager")
    assert set(_enabled().values()) == {False}
    connecting.resume(account, by="release-manager")
    assert set(_enabled().values()) == {True}


def test_who_did_what_is_recorded_and_no_secret_is() -> None:
    account = _connected(by="release-manager")
    given = Credentials(method="keys", secret_access_key=SECRET, external_id=account.external_id)
    connecting.change_credentials(account, given, by=make_user("ada"))
    set_regions(account, ["eu-west-1"], by="release-manager")
    set_regions(account, ["eu-west-1"], by="release-manager")
    connecting.rename(account, "tools", by="release-manager")
    for _ in range(2):
        connecting.pause(account, by="release-manager")
    for _ in range(2):
        connecting.resume(account, by="release-manager")
    for _ in range(2):
        purge.announce(account, by="release-manager")
    records = list(Record.objects.about("account", account.pk).order_by("pk"))
    assert [one.told for one in records] == [
        "connected the account: Access key, eu-west-1, us-east-1",
        "changed of the account: credentials (Access key)",
        "changed of the account: regions (eu-west-1)",
        "renamed the account to tools",
        "stopped sweeping the account",
        "let the account be swept again",
        "removed the account with all that was read",
    ]
    assert [one.who_name for one in records[:2]] == ["release-manager", "ada"]
    assert records[-1].subject_name == "tools"
    assert SECRET not in repr([one.__dict__ for one in records])


@pytest.mark.sql
def test_a_purge_deletes_what_was_read_of_one_account_and_nothing_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    cache.clear()
    account, other = _connected(), _connected("other", account_id="444455556666")
    for place in (*account.places.all(), *other.places.all()):
        scope = place.scope
        for name in ("a", "b", "c"):
            row = Pipeline.objects.create(scope=scope, key=name)
            Execution.objects.create(scope=scope, key=f"e-{name}", pipeline=row)
            Link.objects.create(
                from_kind="codepipeline.pipeline",
                from_id=row.pk,
                relation="assumes",
                to_kind="iam.role",
                to_arn="arn:aws:iam::111122223333:role/x",
            )
            Change.objects.create(
                scope=scope, kind="codepipeline.pipeline", row_id=row.pk, key=name, verb="appeared"
            )
        Operation.objects.create(scope=scope, kind="codepipeline.pipeline", operation="x")
    lost = dict(purge.what_is_lost(account))
    assert lost == {"pipelines": 6, "executions": 6}
    assert purge.purge(account.pk) == 12
    assert Account.objects.get() == other
    assert {scope.account for scope in Scope.objects.all()} == {"444455556666"}
    for model, left in ((Pipeline, 6), (Execution, 6), (Link, 6), (Change, 6), (Operation, 2)):
        assert model.objects.count() == left, model
    assert Sweep.objects.exclude(scope__account="444455556666").count() == 0
    assert purge.purge(account.pk) == 0


def test_a_trust_policy_names_the_role_behind_a_session_and_the_external_id() -> None:
    Account.objects.create(
        name="here",
        method=Account.Method.AMBIENT,
        caller_arn="arn:aws:sts::123456789012:assumed-role/dashboard/i-0abc",
    )
    statement = trust_policy("x-1", principal_of(None))["Statement"][0]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:role/dashboard"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "x-1"}}


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_a_trust_policy_says_where_the_principal_is_not_known(partition: str) -> None:
    statement = trust_policy("x-1", principal_of(None), partition=partition)["Statement"][0]
    assert statement["Principal"] == {
        "AWS": f"arn:{partition}:iam::<the account of this dashboard>:root"
    }


# --- One decider ----------------------------------------------------------------------------------


def test_going_on_brings_no_region_back_that_a_person_took_off() -> None:
    account = _connected()
    set_regions(account, ["eu-west-1"])
    connecting.pause(account, by="release-manager")
    assert wanted_regions(account) == ["eu-west-1"]
    connecting.resume(account, by="release-manager")
    assert _enabled() == {"111122223333/eu-west-1": True, "111122223333/us-east-1": False}


def test_regions_that_are_chosen_while_an_account_rests_wait_with_it() -> None:
    account = _connected()
    connecting.pause(account, by="release-manager")
    set_regions(account, ["eu-west-1", "eu-west-2"])
    assert set(_enabled().values()) == {False}
    connecting.resume(account, by="release-manager")
    assert [place for place, on in _enabled().items() if on] == [
        "111122223333/eu-west-1",
        "111122223333/eu-west-2",
    ]


def test_a_new_name_is_what_every_page_says() -> None:
    account = _connected()
    before = Scope.objects.first()
    connecting.rename(account, "production (new)", by="release-manager")
    assert set(Scope.objects.values_list("label", flat=True)) == {"production (new)"}
    assert Scope.objects.first().edited_at > before.edited_at


def test_an_account_comes_back_from_being_put_aside_as_it_was() -> None:
    account = _connected()
    set_regions(account, ["eu-west-1"])
    before = _enabled()
    ambient.park([account])
    assert set(Scope.objects.values_list("enabled", "parked")) == {(False, True)}
    ambient.unpark(account)
    assert _enabled() == before
    assert not Scope.objects.filter(parked=True).exists()


# --- Removal --------------------------------------------------------------------------------------


def test_a_removal_that_was_cut_off_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    account = _connected()
    Pipeline.objects.create(scope=Scope.objects.first(), key="shop")
    purge.announce(account, by="release-manager")
    assert set(Scope.objects.values_list("enabled", "parked")) == {(False, True)}

    def cut_off(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(purge, "_some", cut_off)
        with pytest.raises(KeyboardInterrupt):
            purge.purge(account.pk)
    assert Account.objects.exists()
    resume_purges.apply(throw=True)
    assert not Account.objects.exists()
    assert not Pipeline.objects.exists()
    assert not Scope.objects.exists()


def test_an_account_is_deleted_by_one_at_a_time() -> None:
    cache.clear()
    account = _connected()
    purge.announce(account, by="release-manager")
    assert purge.accounts_to_purge() == [account.pk]
    cache.add(purge._lock_of(account.pk), 1)
    assert purge.accounts_to_purge() == []
    assert purge.purge(account.pk) == 0
    assert Account.objects.exists()


def test_a_removed_account_stays_removed_whatever_else_is_decided(
    pretended: PretendedAws,
) -> None:
    account = _connected()
    purge.announce(account, by="release-manager")
    connecting.resume(account, by="release-manager")
    set_regions(account, ["eu-west-1"])
    identify(Account.objects.get())
    assert set(_enabled().values()) == {False}
    with pytest.raises(AlreadyConnectedError, match="still being deleted"):
        _connected()
