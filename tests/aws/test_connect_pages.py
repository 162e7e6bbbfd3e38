"""The pages that connect an account: who may see them, what they ask for, what they never show."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.aws import ambient, endpoints, trial
from apps.aws.connect import connect
from apps.aws.models import Account
from apps.codepipeline.models import Pipeline
from apps.mirror.models import Operation, Scope
from apps.mirror.sealed import reveal
from codestar_dash.celery import app as celery
from tests.aws.people import administrator, staff, stranger, viewer
from tests.aws.wire import STS_ERROR, PretendedAws, pretended

__all__ = ["administrator", "pretended", "staff", "stranger", "viewer"]
pytestmark = pytest.mark.django_db

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NEW = "/aws/accounts/new/"
KEYS = {
    "name": "production",
    "method": "keys",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": SECRET,
    "regions": ["eu-west-1"],
    "do": "test",
}
ROLE = {
    "name": "production",
    "method": "role",
    "role_arn": "arn:aws:iam::111122223333:role/dashboard",
    "external_id": "our-id-1",
    "regions": ["eu-west-1"],
    "do": "save",
}


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
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """Tasks are only noted."""
    noted: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(
        "celery.app.task.Task.delay", lambda task, *args: noted.append((task.name, args))
    )
    return noted


def _connected(**more: Any) -> Account:
    given = {
        "name": "production",
        "method": Account.Method.KEYS,
        "regions": ["eu-west-1"],
        "account_id": "111122223333",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": SECRET,
    }
    return connect(**{**given, **more})


def _errors(html: str) -> list[str]:
    return re.findall(r'<ul class="errorlist[^>]*>\s*<li>(.*?)</li>', html, re.S)


def _html(response: Any) -> str:
    return response.content.decode()


# --- who ------------------------------------------------------------------------------------------


def _pages(account: Account) -> list[tuple[str, str]]:
    one = f"/aws/accounts/{account.pk}/"
    return [
        ("get", "/aws/accounts/"),
        ("get", NEW),
        ("post", NEW),
        ("get", one),
        ("get", f"{one}edit/"),
        ("post", f"{one}edit/"),
        ("post", f"{one}test/"),
        ("post", f"{one}sweep/"),
        ("get", f"{one}remove/"),
        ("post", f"{one}remove/"),
        ("get", "/aws/tests/abc/"),
        ("post", "/aws/tests/abc/save/"),
        ("get", "/aws/policy.json"),
    ]


def test_to_a_viewer_the_pages_do_not_exist(viewer: Client) -> None:
    for method, path in _pages(_connected()):
        assert getattr(viewer, method)(path).status_code == 404, path
    assert Scope.objects.get().enabled


def test_a_stranger_is_sent_to_sign_in(stranger: Client) -> None:
    for method, path in _pages(_connected()):
        response = getattr(stranger, method)(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/accounts/login/"), path


@pytest.mark.parametrize("who", ["staff", "administrator"])
def test_staff_and_administrators_see_them(who: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(who)
    account = _connected()
    for path in ("/aws/accounts/", NEW, f"/aws/accounts/{account.pk}/"):
        response = client.get(path)
        assert response.status_code == 200, path
        assert "no-store" in response["Cache-Control"]


def test_a_form_from_another_site_is_refused(db: None, staff: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    assert strict.post(NEW, KEYS).status_code == 403
    assert not Account.objects.exists()


# --- the form -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": ""}, "Give the account a name"),
        ({"name": "taken"}, "Another account has this name"),
        ({"method": ""}, "Choose how to get in"),
        ({"method": "guess"}, "Select a valid choice"),
        ({"regions": []}, "Choose at least one region"),
        ({"regions": ["eu-west-1", "mars-1"]}, "Select a valid choice"),
        ({"other_regions": "mars"}, "mars is no region"),
        ({"regions": ["eu-west-1", "cn-north-1"]}, "worlds apart"),
        ({"account_id": "1234"}, "12 digits"),
        ({"access_key_id": ""}, "Give the access key&#x27;s id"),
        ({"access_key_id": "AKID EXAMPLE"}, "letters and digits only"),
        ({"secret_access_key": ""}, "Give the secret access key"),
        ({"secret_access_key": "two words"}, "The secret has a blank in it"),
        ({"access_key_id": "ASIAEXAMPLE"}, "works only with its session token"),
        ({"method": "profile"}, "Give the profile&#x27;s name"),
        ({"method": "role"}, "Give the role&#x27;s ARN"),
        ({**ROLE, "role_arn": "arn:aws:iam::1:user/x"}, "Give the role&#x27;s ARN"),
        ({**ROLE, "account_id": "444455556666"}, "The role is in account 111122223333"),
        ({**ROLE, "external_id": "no blanks please"}, "An external id has 2 or more"),
        ({**ROLE, "role_arn": "arn:aws-cn:iam::111122223333:role/x"}, "The role is in aws-cn"),
        ({"account_id": "4444-5555-6666"}, "Account 444455556666 is connected in eu-west-1"),
        ({"endpoint_url": "http://169.254.169.254/"}, "gets its own credentials"),
        ({"endpoint_url": "http://[::1]/"}, "ALLOWED_ENDPOINTS=[::1]:80"),
        ({"endpoint_url": "https://user:pw@aws.example.com"}, "Leave user and password out"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    staff: Client, changed: dict[str, Any], says: str
) -> None:
    _connected(name="taken", account_id="444455556666")
    response = staff.post(NEW, {**KEYS, "do": "save", **changed})
    assert response.status_code == 422
    # Whoever does not see it is taken there, also without scripts.
    assert 'role="alert" tabindex="-1" autofocus>' in response.content.decode()
    assert says in " ".join(_errors(_html(response)))
    assert Account.objects.count() == 1


def test_nothing_entered_is_lost_but_secrets_and_the_page_says_so(staff: Client) -> None:
    html = _html(
        staff.post(
            NEW,
            {
                **KEYS,
                "account_id": "12",
                "session_token": "FwoGZXIEXAMPLE",
                "other_regions": "eu-north-9",
                "regions": ["eu-west-1", "us-east-1"],
            },
        )
    )
    assert 'value="production"' in html
    assert 'value="AKIDEXAMPLE"' in html
    assert 'value="12"' in html
    assert 'value="eu-north-9"' in html
    assert len(re.findall(r'name="regions"[^>]*checked', html)) == 2
    assert re.search(r'name="method" value="keys"[^>]*checked', html)
    assert SECRET not in html
    assert "FwoGZXIEXAMPLE" not in html
    assert "enter them again" in html


def test_secrets_are_typed_unseen_and_never_completed(staff: Client) -> None:
    html = _html(staff.get(NEW))
    for name in ("secret_access_key", "session_token"):
        [field] = re.findall(rf'<input[^>]*name="{name}"[^>]*>', html)
        assert 'type="password"' in field
        assert 'autocomplete="off"' in field
        assert "value=" not in field


def test_pages_have_no_inline_script_or_style(staff: Client) -> None:
    account = _connected()
    for path in ("/aws/accounts/", NEW, f"/aws/accounts/{account.pk}/remove/"):
        html = _html(staff.get(path))
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"<style|\sstyle=|\son\w+=", html)


def test_the_form_shows_the_policies_to_copy(staff: Client) -> None:
    html = _html(staff.get(NEW))
    [external] = re.findall(r'name="external_id" value="([^"]+)"', html)
    assert html.count(external) == 2
    assert "codepipeline:ListPipelines" in html
    policy = staff.get("/aws/policy.json")
    assert policy["Content-Disposition"].startswith("attachment")
    assert json.loads(policy.content)["Version"] == "2012-10-17"


def test_the_trust_policy_names_who_the_form_says_assumes_the_role(
    staff: Client, no_worker: list[Any]
) -> None:
    Account.objects.create(
        name="here", method=Account.Method.AMBIENT, caller_arn="arn:aws:iam::123456789012:user/here"
    )
    base = _connected(caller_arn="arn:aws:iam::111122223333:user/dashboard")
    assert "123456789012:user/here" in _html(staff.get(NEW))
    entered = {**ROLE, "role_arn": "arn:aws:iam::444455556666:role/x", "base": base.pk}
    page = _html(staff.post(NEW, {**entered, "name": ""}))
    assert "111122223333:user/dashboard" in page
    assert "123456789012:user/here" not in page
    trial_of_it = staff.post(NEW, {**entered, "name": "other", "do": "test"})
    token = trial_of_it["Location"].split("/")[3]
    assert "111122223333:user/dashboard" in _html(staff.get(f"{NEW}?from={token}"))


def test_a_trust_policy_without_a_known_principal_is_in_the_roles_partition(
    staff: Client,
) -> None:
    arn = "arn:aws-cn:iam::111122223333:role/dashboard"
    page = _html(staff.post(NEW, {**ROLE, "name": "", "role_arn": arn, "regions": ["cn-north-1"]}))
    assert "arn:aws-cn:iam::&lt;the account of this dashboard&gt;:root" in page


def test_names_of_others_are_shown_as_text(staff: Client) -> None:
    account = _connected(name="<script>alert(1)</script>")
    Account.objects.update(identity_error="<img src=x onerror=alert(1)>")
    for path in ("/aws/accounts/", f"/aws/accounts/{account.pk}/"):
        html = _html(staff.get(path))
        assert "<script>alert" not in html
        assert "<img src=x" not in html


# --- saving ---------------------------------------------------------------------------------------


def test_saving_without_a_test_begins_to_sweep(staff: Client, no_worker: list[Any]) -> None:
    response = staff.post(NEW, ROLE, follow=True)
    account = Account.objects.get()
    assert response.redirect_chain == [(f"/aws/accounts/{account.pk}/", 302)]
    assert (account.account_id, account.external_id) == ("111122223333", "our-id-1")
    assert Scope.objects.get().sweeps.filter(due_at__lte=now()).exists()
    assert ("aws.identify", ()) in no_worker
    html = _html(response)
    assert "our-id-1" in html
    assert "sts:ExternalId" in html


def test_no_secret_reaches_a_column_a_page_or_the_cache(
    staff: Client, worker: None, pretended: PretendedAws, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "apps")
    page = staff.post(NEW, KEYS, follow=True)
    token = page.redirect_chain[0][0].split("/")[3]
    kept = repr(cache.get(f"aws:trial:{token}")) + repr(cache.get(f"aws:trial:{token}:report"))
    assert "gAAAA" in kept
    assert SECRET not in kept
    shown = _html(page) + _html(staff.get(f"{NEW}?from={token}"))
    page = staff.post(f"/aws/tests/{token}/save/", follow=True)
    account = Account.objects.get()
    shown += _html(page) + _html(staff.get(f"/aws/accounts/{account.pk}/edit/"))
    shown += _html(staff.get("/aws/accounts/")) + _html(staff.get("/api/v1/scopes"))
    assert SECRET not in shown
    assert SECRET not in repr([record.__dict__ for record in caplog.records])
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM aws_account")
        assert SECRET not in repr(cursor.fetchall())
    assert reveal(account.secret_access_key) == SECRET


def test_a_kept_secret_needs_no_entering_but_a_new_key_does(
    staff: Client, no_worker: list[Any]
) -> None:
    account = _connected()
    edit = f"/aws/accounts/{account.pk}/edit/"
    assert "Kept. Enter one only to replace it." in _html(staff.get(edit))
    same = {**KEYS, "name": "renamed", "secret_access_key": "", "do": "save"}
    assert staff.post(edit, same).status_code == 302
    account = Account.objects.get()
    assert (account.name, reveal(account.secret_access_key)) == ("renamed", SECRET)
    other = staff.post(edit, {**same, "access_key_id": "AKIDOTHER"})
    assert "Give the secret access key" in " ".join(_errors(_html(other)))
    assert Account.objects.get().access_key_id == "AKIDEXAMPLE"


def test_the_id_of_a_kept_key_is_masked_and_kept_where_none_is_entered(
    staff: Client, no_worker: list[Any]
) -> None:
    account = _connected()
    edit = f"/aws/accounts/{account.pk}/edit/"
    shown = _html(staff.get(edit)) + _html(staff.get(f"/aws/accounts/{account.pk}/"))
    assert "AKIDEXAMPLE" not in shown
    assert "Kept: …MPLE. Leave empty to keep it." in shown
    blank = {**KEYS, "access_key_id": "", "secret_access_key": "", "do": "save"}
    assert staff.post(edit, blank).status_code == 302
    account = Account.objects.get()
    assert (account.access_key_id, reveal(account.secret_access_key)) == ("AKIDEXAMPLE", SECRET)
    # A new secret of the same key.
    assert staff.post(edit, {**blank, "secret_access_key": "an-other"}).status_code == 302
    account = Account.objects.get()
    assert (account.access_key_id, reveal(account.secret_access_key)) == ("AKIDEXAMPLE", "an-other")
    # What is entered anew, and is wrong, comes back to be corrected.
    other = {**blank, "access_key_id": "AKID OTHER"}
    assert "AKID OTHER" in _html(staff.post(edit, other))


def test_a_short_key_id_is_masked_wholly() -> None:
    assert Account(access_key_id="ABCDEFGH").masked_key_id == "…"
    assert Account(access_key_id="").masked_key_id == ""


def test_a_key_is_asked_for_where_an_account_had_none(staff: Client, no_worker: list[Any]) -> None:
    account = _connected(method=Account.Method.AMBIENT, access_key_id="", secret_access_key="")
    edit = f"/aws/accounts/{account.pk}/edit/"
    blank = {**KEYS, "access_key_id": "", "secret_access_key": "", "do": "save"}
    assert "Give the access key&#x27;s id" in _html(staff.post(edit, blank))


def test_a_region_without_a_queue_says_that_events_are_not_set_up(staff: Client) -> None:
    account = _connected()
    assert ">not set up</a>" in _html(staff.get(f"/aws/accounts/{account.pk}/"))


def test_an_account_never_becomes_another(staff: Client, no_worker: list[Any]) -> None:
    account = _connected()
    edit = f"/aws/accounts/{account.pk}/edit/"
    staff.post(edit, {**KEYS, "account_id": "444455556666", "do": "save"})
    assert Account.objects.get().account_id == "111122223333"
    elsewhere = {**ROLE, "role_arn": "arn:aws:iam::444455556666:role/dashboard"}
    assert "connect the other account under a name" in _html(staff.post(edit, elsewhere))


def test_regions_are_changed_on_the_same_form(staff: Client, no_worker: list[Any]) -> None:
    account = _connected(regions=["eu-west-1", "us-east-1"])
    staff.post(
        f"/aws/accounts/{account.pk}/edit/",
        {
            **KEYS,
            "secret_access_key": "",
            "regions": ["us-east-1"],
            "other_regions": "xx-new-7",
            "do": "save",
        },
    )
    assert dict(Scope.objects.values_list("region", "enabled")) == {
        "eu-west-1": False,
        "us-east-1": True,
        "xx-new-7": True,
    }


def test_of_what_the_start_command_connects_only_regions_are_changed(
    staff: Client, no_worker: list[Any]
) -> None:
    account = _connected(managed=True)
    edit = f"/aws/accounts/{account.pk}/edit/"
    assert 'name="secret_access_key"' not in _html(staff.get(edit))
    staff.post(edit, {**KEYS, "access_key_id": "AKIDOTHER", "regions": ["eu-west-2"], "do": "save"})
    account.refresh_from_db()
    assert (account.access_key_id, account.managed) == ("AKIDEXAMPLE", True)
    assert Scope.objects.get(enabled=True).region == "eu-west-2"


# --- the test of a connection ---------------------------------------------------------------------


def _report(page: Any) -> trial.Report:
    return page.context["report"]


def test_the_page_asks_a_worker_and_calls_nobody(
    staff: Client, no_worker: list[Any], pretended: PretendedAws
) -> None:
    page = staff.post(NEW, KEYS, follow=True)
    assert [name for name, _ in no_worker] == ["aws.trial"]
    assert pretended.asked == []
    html = _html(page)
    assert "Waiting for a worker" in html
    assert 'hx-trigger="every 1s"' in html


def test_each_list_is_tried_once_and_what_needs_names_is_not(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    page = staff.post(NEW, {**KEYS, "regions": ["eu-west-1", "us-east-1"]}, follow=True)
    assert pretended.asked[0] == ("eu-west-1", "GetCallerIdentity")
    asked = pretended.asked[1:]
    assert len(set(asked)) == len(asked)
    lists = {"ListPipelines", "ListProjects", "ListBuilds", "DescribeStacks", "ListFunctions"}
    assert set(asked) >= {(r, name) for r in ("eu-west-1", "us-east-1") for name in lists}
    worked = {
        (line.region, line.operation.partition(":")[2])
        for line in _report(page).lines
        if line.health == "ok"
    }
    assert set(asked) <= worked
    fared = {(line.region, line.operation): line.health for line in _report(page).lines}
    assert fared["eu-west-1", "codepipeline:ListPipelines"] == "ok"
    assert fared["us-east-1", "codepipeline:GetPipelineState"] == "not_tried"
    html = _html(page)
    assert "The connection works." in html
    assert "Not tried yet" in html
    assert "arn:aws:iam::111122223333:user/dashboard" in html
    assert "every 1s" not in html


def test_the_report_is_told_while_it_runs(
    staff: Client, no_worker: list[Any], pretended: PretendedAws
) -> None:
    staff.post(NEW, KEYS)
    [(_, (token,))] = no_worker
    seen: list[int] = []
    pretended.on_ask = lambda _name: seen.append(trial.report_of(token).done)  # type: ignore[union-attr]
    trial.run(token)
    assert seen[0] < max(seen)
    part = staff.get(f"/aws/tests/{token}/", headers={"HX-Request": "true"})
    assert _html(part).startswith('<div id="report"')
    assert "<html" not in _html(part)


@pytest.mark.parametrize(
    ("operation", "code", "message", "health", "shows"),
    [
        (
            "ListPipelines",
            "AccessDeniedException",
            "User is not authorized to perform: codepipeline:ListPipelines on resource: *",
            "denied",
            "codepipeline:ListPipelines&quot;",
        ),
        ("ListProjects", "ThrottlingException", "Rate exceeded", "throttled", "asked to slow down"),
        ("ListBuilds", "OptInRequired", "not subscribed", "not_opted_in", "does not know this"),
        ("ListBuilds", "UnknownOperationException", "?", "unsupported", "does not know the oper"),
        ("ListProjects", "ExpiredTokenException", "expired", "credentials", "Give new ones"),
    ],
)
def test_what_is_in_trouble_is_shown_with_its_cure_and_may_be_saved(
    staff: Client,
    worker: None,
    pretended: PretendedAws,
    operation: str,
    code: str,
    message: str,
    health: str,
    shows: str,
) -> None:
    pretended.deny(operation, code, message, region="eu-west-1")
    page = staff.post(NEW, {**KEYS, "regions": ["eu-west-1", "us-east-1"]}, follow=True)
    [found] = [
        line
        for line in _report(page).lines
        if line.operation.endswith(operation) and line.region == "eu-west-1"
    ]
    assert found.health == health
    assert shows in _html(page)
    others = [line.health for line in _report(page).lines if line is not found]
    assert set(others) == {"ok", "not_tried"}
    token = page.redirect_chain[0][0].split("/")[3]
    staff.post(f"/aws/tests/{token}/save/")
    assert Account.objects.get().account_id == "111122223333"


def test_credentials_that_do_not_work_stop_the_test_and_may_be_saved(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    body = STS_ERROR.format(code="InvalidClientTokenId", message="The token is invalid.")
    pretended.answers["GetCallerIdentity"] = (403, body)
    page = staff.post(NEW, KEYS, follow=True)
    assert pretended.asked == [("eu-west-1", "GetCallerIdentity")]
    assert "It could not be found out whose credentials these are." in _html(page)
    token = page.redirect_chain[0][0].split("/")[3]
    staff.post(f"/aws/tests/{token}/save/")
    assert Account.objects.get().account_id == ""
    assert not Scope.objects.get().enabled


def test_another_account_than_the_one_entered_cannot_be_saved(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    pretended.account = "444455556666"
    page = staff.post(NEW, {**KEYS, "account_id": "111122223333"}, follow=True)
    assert "These credentials open account 444455556666, not 111122223333." in _html(page)
    assert "Save" not in re.sub(r"<head>.*</head>", "", _html(page), flags=re.S)
    assert len(pretended.asked) == 1
    token = page.redirect_chain[0][0].split("/")[3]
    staff.post(f"/aws/tests/{token}/save/")
    assert not Account.objects.exists()


def test_an_account_that_turns_out_to_be_connected_already_is_refused(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    _connected(name="first")
    page = staff.post(NEW, KEYS, follow=True)
    token = page.redirect_chain[0][0].split("/")[3]
    page = staff.post(f"/aws/tests/{token}/save/", follow=True)
    assert "is connected in eu-west-1 already" in _html(page)
    assert Account.objects.count() == 1


def test_a_tested_account_is_stored_as_it_was_tested(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    page = staff.post(NEW, KEYS, follow=True)
    token = page.redirect_chain[0][0].split("/")[3]
    staff.post(f"/aws/tests/{token}/save/")
    account = Account.objects.get()
    assert account.caller_arn == "arn:aws:iam::111122223333:user/dashboard"
    assert account.identified_at is not None
    assert Scope.objects.get().place == "111122223333/eu-west-1"
    again = staff.post(f"/aws/tests/{token}/save/", follow=True)
    assert "Enter it again" in _html(again)
    assert Account.objects.count() == 1


def test_a_test_belongs_to_who_began_it(
    staff: Client, administrator: Client, no_worker: list[Any]
) -> None:
    staff.post(NEW, KEYS)
    [(_, (token,))] = no_worker
    assert administrator.get(f"/aws/tests/{token}/").status_code == 302
    administrator.post(f"/aws/tests/{token}/save/")
    assert not Account.objects.exists()
    assert "AKIDEXAMPLE" not in _html(administrator.get(f"{NEW}?from={token}"))


def test_a_stored_account_is_tested_as_it_is(
    staff: Client, worker: None, pretended: PretendedAws
) -> None:
    account = _connected()
    page = staff.post(f"/aws/accounts/{account.pk}/test/", follow=True)
    assert "The connection works." in _html(page)
    assert "Back to the account" in _html(page)
    assert ("eu-west-1", "ListPipelines") in pretended.asked


def test_an_endpoint_that_moved_inside_is_told_by_the_test(
    staff: Client, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter([["52.95.110.1"]])
    monkeypatch.setattr(endpoints, "resolve", lambda *_args: next(addresses, ["169.254.169.254"]))
    monkeypatch.setattr("apps.aws.calls.FIRST_PAUSE", 0.0)
    page = staff.post(NEW, {**KEYS, "endpoint_url": "https://aws.example.com"}, follow=True)
    assert "leads to 169.254.169.254, an address inside a network" in _html(page)


# --- afterwards -----------------------------------------------------------------------------------


def test_the_list_says_how_each_account_fares_in_a_constant_number_of_queries(
    staff: Client, django_assert_num_queries: Any
) -> None:
    _connected()
    scope = Scope.objects.get()
    Operation.objects.create(
        scope=scope,
        kind="codepipeline.pipeline",
        operation="codepipeline:ListPipelines",
        health="denied",
        cure="Allow codepipeline:ListPipelines to the credentials of this account.",
    )
    Scope.objects.update(events_at=now())
    with CaptureQueriesContext(connection) as few:
        html = _html(staff.get("/aws/accounts/"))
    assert "1 in trouble" in html
    assert "Allow codepipeline:ListPipelines" in html
    for number in range(5):
        _connected(
            name=f"more-{number}",
            account_id=f"44445555666{number}",
            regions=["eu-west-1", "us-east-1"],
        )
    with django_assert_num_queries(len(few)):
        staff.get("/aws/accounts/")


def _denied(scope: Scope, *calls: str) -> None:
    for call in calls:
        service = call.partition(":")[0]
        kind = {"codecommit": "codecommit.repository", "codebuild": "codebuild.project"}[service]
        Operation.objects.create(
            scope=scope,
            kind=kind,
            operation=call,
            health="denied",
            error=f"not authorized to perform: {call}",
            cure=f"Allow {call} to the credentials of this account.",
            statement={"Effect": "Allow", "Action": [call], "Resource": "*"},
        )


@pytest.mark.parametrize("path", ["/aws/accounts/", "/aws/accounts/{pk}/"])
def test_many_denials_are_told_as_what_the_policy_lacks(staff: Client, path: str) -> None:
    account = _connected()
    _denied(Scope.objects.get(), "codecommit:ListRepositories", "codebuild:ListProjects")
    html = _html(staff.get(path.format(pk=account.pk)))
    assert "The policy lacks these 2 actions" in html
    assert "Allow these actions to the credentials of this account." in html
    assert "Allow codecommit:ListRepositories to" not in html
    if "{pk}" in path:
        assert "&quot;codebuild:ListProjects&quot;" in html
        assert "&quot;codecommit:ListRepositories&quot;" in html


def test_throttling_of_several_kinds_names_no_single_operation(staff: Client) -> None:
    account = _connected()
    _denied(Scope.objects.get(), "codecommit:ListRepositories", "codebuild:ListProjects")
    Operation.objects.update(health="throttled", statement=None, cure="Wait.", code="Throttling")
    html = _html(staff.get(f"/aws/accounts/{account.pk}/"))
    assert "2 kinds: Throttled at 2 operations" in html


def test_when_the_last_event_came_is_told_though_its_queue_cannot_be_asked(staff: Client) -> None:
    account = _connected()
    at = now() - timedelta(minutes=3)
    Scope.objects.update(
        events_at=None,
        last_event_at=at,
        events_trouble={"code": "AccessDenied", "health": "denied"},
    )
    for path in ("/aws/accounts/", f"/aws/accounts/{account.pk}/"):
        html = _html(staff.get(path))
        assert f'datetime="{at:%Y-%m-%dT%H:%M:%SZ}"' in html
        assert "none yet" not in html
        assert "not set up" not in html
    assert f'datetime="{at:%Y-%m-%dT%H:%M:%SZ}"' in _html(staff.get("/health/"))


def test_stopping_and_going_on(staff: Client, no_worker: list[Any]) -> None:
    account = _connected()
    path = f"/aws/accounts/{account.pk}/sweep/"
    staff.post(path, {"on": "no"})
    assert not Scope.objects.get().enabled
    html = _html(staff.get(f"/aws/accounts/{account.pk}/"))
    assert "Not swept" in html
    assert "Sweep again" in html
    staff.post(path, {"on": "yes"})
    assert Scope.objects.get().enabled


def test_an_account_that_a_start_put_aside_says_so(staff: Client) -> None:
    account = _connected(managed=True)
    ambient.park([account])
    assert "Put aside by this start" in _html(staff.get("/aws/accounts/"))
    html = _html(staff.get(f"/aws/accounts/{account.pk}/"))
    assert "started without this account" in html


def test_removing_asks_for_the_name_and_says_what_is_lost(staff: Client, worker: None) -> None:
    account = _connected()
    Pipeline.objects.create(scope=Scope.objects.get(), key="shop")
    path = f"/aws/accounts/{account.pk}/remove/"
    html = _html(staff.get(path))
    assert "1 pipelines" in html
    assert re.search(r'value="stop"[^>]*checked', html)
    wrong = staff.post(path, {"how": "purge", "name": "prod"})
    assert "Type the name exactly: production" in _html(wrong)
    staff.post(path, {"how": "stop", "name": "production"})
    assert Account.objects.exists()
    assert not Scope.objects.get().enabled
    assert Pipeline.objects.exists()
    staff.post(path, {"how": "purge", "name": "production"})
    assert not Account.objects.exists()
    assert not Pipeline.objects.exists()
    assert not Scope.objects.exists()


def test_an_account_others_are_reached_through_is_not_deleted(staff: Client, worker: None) -> None:
    base = _connected()
    _connected(
        name="behind",
        method=Account.Method.ROLE,
        account_id="444455556666",
        role_arn="arn:aws:iam::444455556666:role/x",
        base=base,
    )
    path = f"/aws/accounts/{base.pk}/remove/"
    assert "First give behind other credentials" in _html(
        staff.post(path, {"how": "purge", "name": "production"})
    )
    assert Account.objects.count() == 2
