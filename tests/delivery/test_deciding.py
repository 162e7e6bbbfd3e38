"""Approvals are decided from the inbox by who may, and counted for nobody else."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils.timezone import now

from apps.aws.models import Account
from apps.codepipeline.models import Action
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.rights import leave_of
from apps.delivery.waiting import APPROVE, REJECT, how_many_wait_for, to_decide
from apps.projects.models import Project
from apps.projects.roles import Role
from tests.deeds.making import asked, connected, permitted
from tests.deeds.test_pages import form_of
from tests.delivery.making import make_pipeline
from tests.delivery.test_approvals import ask
from tests.factories import hold, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("shop")


@pytest.fixture
def people(project: Project) -> dict[str, Any]:
    found = {"stranger": make_user("stranger", reads_everything=False)}
    for role in ("viewer", "contributor", "owner"):
        found[role] = make_user(role, reads_everything=False)
        project.memberships.create(user=found[role], role=Role(role))
    return {**found, "administrator": make_user("administrator", staff=True)}


@pytest.fixture
def action(project: Project) -> Action:
    pipeline = make_pipeline()
    hold(project, pipeline)
    return ask(pipeline, 1)


@pytest.fixture
def account(action: Action) -> Account:
    return connected(action.scope)


def browser_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def offered(user: Any, address: str = "/approvals/") -> tuple[bool, bool]:
    """Whether the inbox offers to approve, and to reject."""
    text = browser_of(user).get(address).text
    return f"/deeds/ask/{APPROVE}/" in text, f"/deeds/ask/{REJECT}/" in text


def test_the_inbox_offers_what_its_reader_may_do(
    people: dict[str, Any], action: Action, account: Account
):
    permitted(account)
    assert {name: offered(user) for name, user in people.items()} == {
        "stranger": (False, False),
        "viewer": (False, False),
        "contributor": (True, True),
        "owner": (True, True),
        "administrator": (True, True),
    }
    permitted(account, [REJECT])
    assert offered(people["owner"]) == (False, True)


def test_nothing_waits_for_anybody_in_an_account_that_is_only_read(
    people: dict[str, Any], action: Action, account: Account
):
    assert {how_many_wait_for(user) for user in people.values()} == {0}
    assert offered(people["owner"]) == (False, False)
    told = browser_of(people["owner"]).get("/approvals/").text
    assert f"Account {account.name} is only read" in told
    permitted(account, ["codepipeline.release"])
    assert how_many_wait_for(people["owner"]) == 0
    permitted(account, [APPROVE])
    assert how_many_wait_for(people["owner"]) == 1
    assert how_many_wait_for(people["viewer"]) == 0


def test_what_no_project_has_waits_for_nobody(people: dict[str, Any]):
    alone = ask(make_pipeline("alone"), 1)
    permitted(connected(alone.scope))
    assert how_many_wait_for(people["administrator"]) == 0


@pytest.mark.parametrize("allowed", [[], [APPROVE], [REJECT], [APPROVE, REJECT], ["wizard.keep"]])
@pytest.mark.parametrize("whose", ["everyone", "this", "another"])
def test_the_counter_counts_what_one_by_one_would_be_let(
    people: dict[str, Any],
    project: Project,
    action: Action,
    account: Account,
    allowed: list[str],
    whose: str,
):
    projects = {"everyone": None, "this": [project], "another": [make_project("another")]}[whose]
    permitted(account, allowed, projects)
    for user in people.values():
        acts = [ACTS.by_name[name] for name in (APPROVE, REJECT)]
        one_by_one = [leave_of(user, act, action).standing is not None for act in acts]
        assert how_many_wait_for(user) == any(one_by_one)
        assert [to_decide(user, [act.name]).exists() for act in acts] == one_by_one


def test_who_decides_comes_back_to_the_inbox_and_sees_how_it_goes(
    people: dict[str, Any], action: Action, account: Account
):
    permitted(account)
    browser = browser_of(people["contributor"])
    inbox = browser.get("/approvals/?whose=me").text
    path = f"/deeds/ask/{APPROVE}/{action.pk}/?next=%2Fapprovals%2F%3Fwhose%3Dme"
    assert path in inbox
    asks = browser.get(path)
    assert 'href="/approvals/?whose=me"' in asks.text
    assert "means nothing to this page" not in asks.text
    answer = browser.post(path, form_of(browser, path))
    assert (answer.status_code, answer["Location"]) == (302, "/approvals/?whose=me")
    deed = Deed.objects.get()
    back = browser.get(answer["Location"]).text
    assert deed.get_absolute_url() in back
    assert 'data-refetch="/approvals/?whose=me" data-refetch-every="2"' in back
    # Once is enough.
    assert f"/deeds/ask/{APPROVE}/" not in back
    assert f"/deeds/ask/{REJECT}/" not in back


@pytest.mark.parametrize(
    "away",
    ["https://evil.example.com/", "//evil.example.com/", "/\\evil.example.com", "approvals/"],
)
def test_nobody_is_led_away(people: dict[str, Any], action: Action, account: Account, away: str):
    permitted(account)
    browser = browser_of(people["owner"])
    path = f"/deeds/ask/{APPROVE}/{action.pk}/"
    assert "evil" not in browser.get(path, {"next": away}).text
    answer = browser.post(f"{path}?next={away}", form_of(browser, path))
    assert answer["Location"] == Deed.objects.get().get_absolute_url()


def test_a_page_that_a_browser_has_is_another_one_once_something_was_decided(
    people: dict[str, Any], action: Action, account: Account
):
    permitted(account)
    browser = browser_of(people["owner"])
    tag = browser.get("/approvals/")["ETag"]
    again = browser.get("/approvals/", headers={"If-None-Match": tag})
    assert again.status_code == 304
    asked(people["contributor"], APPROVE, action)
    assert browser.get("/approvals/", headers={"If-None-Match": tag}).status_code == 200


# --- Your last answers ----------------------------------------------------------------------------


def answers_of(user: Any, path: str = "/approvals/") -> str:
    """The section that tells of a reader's last answers; "" where it is hidden."""
    text = browser_of(user).get(path).text
    section = text[text.index('id="my-answers"') :].partition("</section>")[0]
    return "" if " hidden>" in section[:400] else section


def ended(deed: Deed, outcome: str, **more: Any) -> None:
    Deed.objects.filter(pk=deed.pk).update(outcome=outcome, ended_at=now(), **more)


@pytest.fixture
def answered(people: dict[str, Any], action: Action, account: Account) -> Deed:
    """A contributor's answer to an approval that has left the inbox meanwhile."""
    permitted(account)
    deed = asked(people["contributor"], APPROVE, action, why="for the sale")
    Action.objects.filter(pk=action.pk).update(state="failed", status="Failed")
    return deed


def test_an_answer_that_is_refused_once_its_card_is_gone_is_told_where_one_is(
    people: dict[str, Any], answered: Deed
):
    waits = answers_of(people["contributor"])
    assert "On its way" in waits
    assert 'data-refetch-every="2"' in waits
    ended(answered, "refused", reason="The approval token is invalid <b>.")
    told = answers_of(people["contributor"])
    assert "Refused" in told
    assert "The approval token is invalid &lt;b&gt;." in told
    assert f'href="{answered.get_absolute_url()}"' in told
    assert "data-refetch-every" not in told
    # To nobody else it is news.
    for name in ("owner", "viewer", "stranger", "administrator"):
        assert answers_of(people[name]) == ""


@pytest.mark.parametrize("outcome", ["done", "refused", "failed", "unknown"])
def test_it_is_told_until_it_was_seen(people: dict[str, Any], answered: Deed, outcome: str):
    browser = browser_of(people["contributor"])
    ended(answered, outcome, reason="It was so.", told="Approved.")
    first = browser.get("/approvals/?whose=me")
    assert f'id="my-answer-{answered.pk}"' in first.text
    back = browser.post("/approvals/seen/?next=/approvals/%3Fwhose%3Dme")
    assert (back.status_code, back["Location"]) == (302, "/approvals/?whose=me")
    after = browser.get("/approvals/?whose=me", headers={"If-None-Match": first["ETag"]})
    assert after.status_code == 200
    assert f'id="my-answer-{answered.pk}"' not in after.text


def test_what_is_still_on_its_way_is_not_seen_away(people: dict[str, Any], answered: Deed):
    browser = browser_of(people["contributor"])
    browser.post("/approvals/seen/")
    ended(answered, "refused", reason="Too late.")
    assert "Too late." in browser.get("/approvals/").text
    assert browser.post("/approvals/seen/?next=//evil.example.com/")["Location"] == "/approvals/"
    assert browser.get("/approvals/seen/").status_code == 405


def test_after_an_hour_it_is_no_news(people: dict[str, Any], answered: Deed):
    ended(answered, "refused", reason="Too late.")
    browser = browser_of(people["contributor"])
    tag = browser.get("/approvals/")["ETag"]
    with time_machine.travel(now() + timedelta(minutes=61), tick=True):
        again = browser.get("/approvals/", headers={"If-None-Match": tag})
        assert again.status_code == 200
        assert "Too late." not in again.text


def test_what_its_card_tells_is_not_told_twice(
    people: dict[str, Any], action: Action, account: Account
):
    permitted(account)
    asked(people["contributor"], APPROVE, action)
    assert answers_of(people["contributor"]) == ""
