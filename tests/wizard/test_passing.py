"""What fails in passing is said and asked again; what only looks changes nothing that was made."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from django.test import Client
from django.utils.timezone import now

from apps.aws.failures import NotIdentifiedError
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.sandbox.server import SandboxServer
from apps.wizard import advancing, choices
from apps.wizard.courses import LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import Bootstrap
from tests.simulated import Simulated

from .making import began, drafted, run

pytestmark = pytest.mark.django_db
State = Bootstrap.State


@pytest.fixture
def made(maker: Any, scope: Scope) -> Bootstrap:
    return began(began(drafted(maker, scope), PLAN), MAKE)


@pytest.fixture
def browser(maker: Any) -> Client:
    client = Client()
    client.force_login(maker)
    return client


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch, aws: Any) -> Any:
    """`down(True)`: no connection to AWS comes about, until `down(False)`."""

    class Cut(Simulated):
        is_down = False

        def open(self, scope: Scope, *, urgent: bool = False) -> Any:
            if self.is_down:
                raise EndpointConnectionError(endpoint_url="https://aws.example.com")
            return super().open(scope, urgent=urgent)

    provider = Cut(PROVIDERS.by_name["aws"].aws.url)  # type: ignore[attr-defined]
    monkeypatch.setitem(PROVIDERS.by_name, "aws", provider)

    def switch(value: bool) -> None:
        provider.is_down = value

    return switch


def text_of(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def rested(bootstrap: Bootstrap) -> Bootstrap:
    """The pause before AWS is asked again is over."""
    Bootstrap.objects.filter(pk=bootstrap.pk).update(claimed_until=now())
    bootstrap.refresh_from_db()
    return bootstrap


def test_what_fails_in_passing_is_said_and_asked_again(
    maker: Any, scope: Scope, browser: Client, down: Any
):
    planned = began(drafted(maker, scope), PLAN)
    assert advancing.begin(planned, MAKE)
    down(True)
    advancing.advance(planned.pk)
    planned.refresh_from_db()
    assert (planned.state, planned.trouble) == (State.MOVING, "")
    page = text_of(browser, planned.get_absolute_url())
    assert "It could not be asked how it stands; it is asked again by itself" in page
    assert planned.preview["later"]["why"][:20] in page
    # Who could not be reached is left alone for a moment, each time for longer.
    assert advancing.due() == []
    pauses = []
    for _ in range(3):
        advancing.advance(rested(planned).pk)
        planned.refresh_from_db()
        pauses.append(planned.claimed_until - now())
    assert pauses == sorted(pauses)
    down(False)
    done = run(rested(planned))
    assert (done.state, done.trouble) == (State.MADE, "")
    assert not done.preview.get("later")
    assert "asked again by itself" not in text_of(browser, done.get_absolute_url())


def test_what_does_not_pass_stands_still_with_its_reason(maker: Any, scope: Scope, down: Any):
    planned = began(drafted(maker, scope), PLAN)
    assert advancing.begin(planned, MAKE)
    down(True)
    advancing.advance(planned.pk)
    planned.refresh_from_db()
    long = {**planned.preview["later"], "since": (now() - timedelta(minutes=31)).isoformat()}
    Bootstrap.objects.filter(pk=planned.pk).update(preview={**planned.preview, "later": long})
    advancing.advance(rested(planned).pk)
    planned.refresh_from_db()
    assert planned.state == State.FAILED
    assert planned.trouble
    down(False)
    assert advancing.again(planned, maker)
    planned.refresh_from_db()
    assert run(planned).state == State.MADE


def test_a_look_for_edits_that_fails_leaves_what_was_made_as_it_is(
    made: Bootstrap, browser: Client, sandbox: SandboxServer
):
    path = f"/wizard/{made.pk}/undo/"
    fault = sandbox.faults.add("deny", service="cloudformation", operation="ListStackResources")
    looked = began(made, LOOK)
    assert (looked.state, looked.course, looked.trouble) == (State.MADE, MAKE, "")
    page = text_of(browser, path)
    assert "What was edited since could not be looked for" in page
    assert "ListStackResources" in page
    assert "What goes" not in page
    assert "What was made" in text_of(browser, made.get_absolute_url())
    # Nobody says what goes who has not seen it.
    sure = {"name": "shop-web", "why": "It is over.", "look": looked.preview["begun"]}
    browser.post(path, sure)
    looked.refresh_from_db()
    assert looked.course == LOOK
    sandbox.faults.clear(fault.id)
    run(looked)
    page = text_of(browser, path)
    assert "could not be looked for" not in page
    assert "What goes" in page


def test_why_it_is_undone_stands_with_each_deed_and_on_the_pages_of_what_goes(
    made: Bootstrap, browser: Client
):
    looked = began(made, LOOK)
    path = f"/wizard/{made.pk}/undo/"
    sure = {"name": "shop-web", "look": looked.preview["begun"], "with_repository": "on"}
    unsaid = browser.post(path, {**sure, "why": " \u200b "})
    assert unsaid.context["form"].errors["why"] == ["Say why: it stands with what you do."]
    assert browser.post(path, {**sure, "why": "Nobody  needs it."}).status_code == 302
    looked.refresh_from_db()
    assert looked.course == UNDO
    assert run(looked).state == State.UNDONE
    deeds = Deed.objects.filter(row_id=made.pk, act__in=("wizard.halt", "wizard.forget_code"))
    assert {one.why for one in deeds} == {"Nobody needs it."}
    assert {one.said.get("with_repository") for one in deeds} == {True}
    assert not Deed.objects.filter(row_id=made.pk, act="wizard.create").exclude(why="").exists()
    halted = deeds.get(act="wizard.halt")
    kinds = set(halted.belongs.values_list("kind", flat=True))
    assert kinds >= {"codepipeline.pipeline", "cloudformation.stack", "codecommit.repository"}
    page = text_of(browser, made.get_absolute_url())
    assert f"/deeds/?on=wizard.bootstrap:{made.pk}" in page
    assert "Nobody needs it." in text_of(browser, f"/deeds/?on=wizard.bootstrap:{made.pk}")


def test_an_account_that_cannot_be_opened_says_so_and_is_asked_again_soon(
    maker: Any, scope: Scope, browser: Client, monkeypatch: pytest.MonkeyPatch
):
    draft = drafted(maker, scope)

    class Shut(Simulated):
        def open(self, scope: Scope, *, urgent: bool = False) -> Any:
            told = "The account is not identified yet."
            raise NotIdentifiedError(Failure(health=Health.UNREACHABLE, message=told))

    url = PROVIDERS.by_name["aws"].aws.url  # type: ignore[attr-defined]
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Shut(url))
    assert choices.should_ask(scope)
    assert not choices.should_ask(scope)
    assert "is being read" in text_of(browser, f"/wizard/{draft.pk}/network/")
    choices.read(scope)
    page = text_of(browser, f"/wizard/{draft.pk}/network/")
    assert "not identified" in page
    assert "is being read" not in page
    assert choices.should_ask(scope)


def test_a_plan_that_could_not_be_dropped_is_dropped_and_not_undone(
    maker: Any, scope: Scope, browser: Client, sandbox: SandboxServer, picture: Any
):
    before = picture()
    planned = began(drafted(maker, scope), PLAN, takes=True)
    fault = sandbox.faults.add("deny", service="cloudformation", operation="DeleteChangeSet")
    stands = began(planned, "drop")
    assert stands.state == State.FAILED
    page = text_of(browser, stands.get_absolute_url())
    assert "Drop the plan" in page
    assert "/undo/" not in page
    told = browser.get(f"/wizard/{stands.pk}/undo/", follow=True).content.decode()
    assert "Nothing but its plan was made" in told
    sandbox.faults.clear(fault.id)
    dropped = began(stands, "drop")
    assert (dropped.state, dropped.takes) == (State.DRAFT, False)
    assert picture() == before
