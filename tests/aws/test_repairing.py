"""What is said of accounts that cannot be read, how it is cured, and how soon that is noticed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.timezone import now

from apps.aws import identity, tasks
from apps.aws.ambient import NAME
from apps.aws.connect import connect
from apps.aws.curing import followable
from apps.aws.failures import classify
from apps.aws.identity import accounts_to_identify, ask_who, find_out, identify
from apps.aws.models import Account
from apps.aws.provider import AwsProvider
from apps.aws.session import door
from apps.mirror.health import kind_health
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.outcomes import record_trouble
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER
from codestar_dash.celery import app as celery
from tests.aws.people import staff
from tests.aws.wire import STS_ERROR, PretendedAws, pretended

__all__ = ["pretended", "staff"]
pytestmark = pytest.mark.django_db
WHO = "sts:GetCallerIdentity"
KEYS = {
    "name": "production",
    "method": "keys",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "regions": ["eu-west-1"],
    "do": "test",
}
REFUSED = (403, STS_ERROR.format(code="InvalidClientTokenId", message="The token is invalid"))


@pytest.fixture(autouse=True)
def clean() -> None:
    cache.clear()


@pytest.fixture
def worker() -> Iterator[None]:
    """Tasks are done at once."""
    celery.conf.task_always_eager = celery.conf.task_eager_propagates = True
    yield
    celery.conf.task_always_eager = celery.conf.task_eager_propagates = False


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks wait for somebody to do them."""
    monkeypatch.setattr("celery.app.task.Task.delay", lambda *_args: None)


def connected(**more: Any) -> Account:
    given = {
        "name": "production",
        "method": Account.Method.KEYS,
        "regions": ["eu-west-1"],
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "s",
        **more,
    }
    return connect(**given)


def html_of(response: Any) -> str:
    return str(response.content.decode())


# --- Which call failed --------------------------------------------------------------------------


def test_where_nobody_was_identified_the_call_that_failed_is_named(
    pretended: PretendedAws,
) -> None:
    pretended.answers["GetCallerIdentity"] = REFUSED
    identify(connected())
    told = {kind.operation for kind in kind_health(Scope.objects.all())}
    assert told == {WHO}
    assert set(Operation.objects.values_list("operation", flat=True)) == {WHO}


def test_a_sweep_that_cannot_begin_names_the_call_that_failed(pretended: PretendedAws) -> None:
    pretended.answers["GetCallerIdentity"] = REFUSED
    connected(account_id="111122223333")
    scope = Scope.objects.get()
    with pytest.raises(Exception, match="The token is invalid") as raised:
        AwsProvider().open(scope)
    record_trouble(scope, REGISTER.get("codebuild.project"), raised.value)
    kinds = {kind.kind: kind.operation for kind in kind_health([scope])}
    assert kinds["codebuild.project"] == WHO


def test_a_role_that_may_not_be_assumed_names_that_call(pretended: PretendedAws) -> None:
    pretended.answers["AssumeRole"] = (
        403,
        STS_ERROR.format(code="AccessDenied", message="User is not authorized"),
    )
    base = connected(name="base", account_id="444455556666")
    role = connected(
        method=Account.Method.ROLE,
        account_id="111122223333",
        role_arn="arn:aws:iam::111122223333:role/dashboard",
        base=base,
    )
    failure = find_out(role)
    assert failure is not None
    assert failure.operation == "sts:AssumeRole"


def test_what_kept_an_account_from_being_identified_is_forgotten_when_it_is(
    pretended: PretendedAws,
) -> None:
    account = connected()
    pretended.answers["GetCallerIdentity"] = (500, "<html>busy</html>")
    identify(account)
    assert Operation.objects.filter(operation=WHO).exists()
    del pretended.answers["GetCallerIdentity"]
    assert identify(Account.objects.get())
    assert not Operation.objects.exists()


def test_no_cure_says_that_sts_exists_in_a_region() -> None:
    error = ConnectTimeoutError(endpoint_url="https://sts.example.com")
    assert "exists" not in classify(error, WHO).cure
    assert "codebuild exists in the region" in classify(error, "codebuild:ListProjects").cure


# --- How long it takes ----------------------------------------------------------------------------


def test_each_region_is_asked_once_and_its_answer_not_waited_for_long(
    pretended: PretendedAws,
) -> None:
    pretended.answers["GetCallerIdentity"] = ConnectTimeoutError(endpoint_url="https://x")
    account = connected(regions=["eu-west-1", "us-east-1"])
    identify(account)
    assert pretended.asked == [
        ("eu-west-1", "GetCallerIdentity"),
        ("us-east-1", "GetCallerIdentity"),
    ]
    assert door(account, "eu-west-1").client("sts").meta.config.read_timeout == 10
    assert door(account, "eu-west-1").client("codebuild").meta.config.read_timeout == 20


def test_after_a_while_no_further_region_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 16.0])
    monkeypatch.setattr(identity.time, "monotonic", lambda: next(clock))
    asked: list[str] = []

    def reach_in(region: str) -> Any:
        asked.append(region)
        raise ConnectTimeoutError(endpoint_url="https://x")

    said, failure = ask_who(reach_in, ["eu-west-1", "us-east-1"])
    assert (said, asked) == (None, ["eu-west-1"])
    assert failure is not None
    assert failure.health is Health.UNREACHABLE


def test_who_failed_is_asked_again_soon_then_more_and_more_seldom(
    pretended: PretendedAws,
) -> None:
    pretended.answers["GetCallerIdentity"] = REFUSED
    connected()
    rests = []
    for _ in range(7):
        identify(Account.objects.get())
        account = Account.objects.get()
        assert account.identity_asked_at is not None
        assert account.identity_due_at is not None
        rests.append(round((account.identity_due_at - account.identity_asked_at).total_seconds()))
        assert accounts_to_identify() == []
    assert rests == [10, 20, 40, 80, 160, 300, 300]
    identity.ask_anew()
    assert len(accounts_to_identify()) == 1


def test_two_workers_do_not_ask_for_one_account(pretended: PretendedAws) -> None:
    connected()
    pretended.on_ask = lambda _operation: tasks.identify()
    tasks.identify()
    assert pretended.asked == [("eu-west-1", "GetCallerIdentity")]


def test_the_page_says_when_it_was_asked_and_is_asked_again(
    staff: Client, pretended: PretendedAws
) -> None:
    pretended.answers["GetCallerIdentity"] = REFUSED
    account = connected()
    identify(account)
    html = html_of(staff.get(f"/aws/accounts/{account.pk}/"))
    assert re.search(r"<dt>Asked</dt><dd><time[^>]*>[^<]*</time>, failed; asked again <time", html)
    assert "not asked yet" not in html


# --- Repaired -------------------------------------------------------------------------------------


def test_a_stored_account_whose_test_goes_well_is_swept_at_once(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    pretended.answers["GetCallerIdentity"] = REFUSED
    account = connected()
    identify(account)
    Sweep.objects.update(due_at=now() + timedelta(hours=1))
    del pretended.answers["GetCallerIdentity"]
    page = staff.post(f"/aws/accounts/{account.pk}/test/", follow=True)
    assert "The connection works." in html_of(page)
    account.refresh_from_db()
    assert (account.account_id, account.identity_error) == ("111122223333", "")
    assert Scope.objects.get().enabled
    assert not Sweep.objects.filter(due_at__gt=now()).exists()


def test_a_paused_account_is_tested_and_stays_paused(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    account = connected()
    Account.objects.update(paused=True)
    staff.post(f"/aws/accounts/{account.pk}/test/")
    assert not Scope.objects.get().enabled
    assert Account.objects.get().identified_at is None


# --- Connected twice ------------------------------------------------------------------------------


def test_the_test_of_a_second_connection_says_so_and_is_not_green(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    connected(name="first", account_id="111122223333")
    html = html_of(staff.post("/aws/accounts/new/", KEYS, follow=True))
    assert "Account 111122223333 is connected in eu-west-1 already" in html
    assert "The connection works." not in html
    assert "/save/" not in html


def test_an_edited_account_that_turns_out_to_be_another_connection_is_not_saved(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    connected(name="first", account_id="111122223333")
    second = connected(name="second")
    given = {**KEYS, "name": "second"}
    page = staff.post(f"/aws/accounts/{second.pk}/edit/", given, follow=True)
    token = page.redirect_chain[0][0].split("/")[3]
    page = staff.post(f"/aws/tests/{token}/save/", follow=True)
    assert "Account 111122223333 is connected in eu-west-1 already." in html_of(page)
    second.refresh_from_db()
    assert second.account_id == ""


def test_a_second_connection_is_not_saved_untested_where_its_number_is_known(
    staff: Client, no_worker: None
) -> None:
    connected(name="first", account_id="111122223333")
    page = staff.post("/aws/accounts/new/", {**KEYS, "account_id": "111122223333", "do": "save"})
    assert "is connected in eu-west-1 already" in html_of(page)
    assert Account.objects.count() == 1


def test_health_says_why_a_second_connection_is_not_swept(pretended: PretendedAws) -> None:
    connected(name="first", account_id="111122223333")
    second = connected(name="second")
    identify(second)
    [scope] = Scope.objects.filter(label="second")
    told = {(kind.word, kind.operation) for kind in kind_health([scope])}
    assert told == {("Connected twice", "*")}
    assert all("connected twice in eu-west-1" in kind.error for kind in kind_health([scope]))


# --- Words ----------------------------------------------------------------------------------------


def test_saving_untested_keys_does_not_say_that_a_sweep_has_begun(
    staff: Client, no_worker: None
) -> None:
    html = html_of(staff.post("/aws/accounts/new/", {**KEYS, "do": "save"}, follow=True))
    assert "production is saved. AWS is being asked whose credentials these are." in html
    assert "has begun" not in html


def test_saving_what_was_tested_says_that_its_first_sweep_has_begun(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    page = staff.post("/aws/accounts/new/", KEYS, follow=True)
    token = page.redirect_chain[0][0].split("/")[3]
    html = html_of(staff.post(f"/aws/tests/{token}/save/", follow=True))
    assert "production is saved. Its first sweep has begun." in html


def test_the_test_says_another_account_where_nothing_was_refused(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    given = {**KEYS, "account_id": "444455556666"}
    html = html_of(staff.post("/aws/accounts/new/", given, follow=True))
    assert "Another account</span>" in html
    assert "Credentials refused" not in html


def of_this_machine(**more: Any) -> Account:
    return Account(name=NAME, method=Account.Method.AMBIENT, managed=True, **more)


def test_the_cure_for_this_machine_names_the_environment_not_a_form() -> None:
    missing = followable(classify(NoCredentialsError(), WHO), of_this_machine())
    assert "AWS_PROFILE" in missing.cure
    assert "AWS_ACCESS_KEY_ID" in missing.cure
    assert "start again" in missing.cure
    assert "on its page" not in missing.cure
    away = classify(ConnectTimeoutError(endpoint_url="https://aws.example.com"), WHO)
    there = of_this_machine(endpoint_url="https://aws.example.com")
    assert "AWS_ENDPOINT_URL" in followable(away, there).cure
    assert "AWS_ENDPOINT_URL" not in followable(away, of_this_machine()).cure


def test_the_cure_for_an_account_with_a_form_stays_on_its_page() -> None:
    failure = classify(NoCredentialsError(), WHO)
    entered = Account(name="production", method=Account.Method.AMBIENT)
    assert followable(failure, entered) == failure


def test_missing_credentials_of_this_machine_are_told_with_a_cure_that_can_be_followed(
    pretended: PretendedAws,
) -> None:
    pretended.answers["GetCallerIdentity"] = NoCredentialsError()
    account = connected(name=NAME, method=Account.Method.AMBIENT, managed=True)
    identify(account)
    account.refresh_from_db()
    assert "AWS_PROFILE" in account.identity_cure
    assert {kind.word for kind in kind_health(Scope.objects.all())} == {"No credentials"}


def test_removing_what_was_never_read_does_not_speak_of_its_changes(staff: Client) -> None:
    account = connected()
    html = html_of(staff.get(f"/aws/accounts/{account.pk}/remove/"))
    assert "Nothing was read of this account yet" in html
    assert "with every change" not in html


def test_a_region_that_waits_is_not_called_off(staff: Client) -> None:
    account = connected()
    assert "(off)" not in html_of(staff.get("/aws/accounts/"))
    account.places.update(wanted=False)
    assert "(off)" in html_of(staff.get("/aws/accounts/"))


def test_a_token_for_nobody_names_the_command_that_makes_somebody() -> None:
    with pytest.raises(CommandError, match=r"manage\.py add_user"):
        call_command("api_token", "wallboard", "--user", "nobody", stdout=StringIO())
