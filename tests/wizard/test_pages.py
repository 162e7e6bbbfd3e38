"""The wizard's pages lead from a template to a project and back, and lose nothing on the way."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from apps.aws.models import Account
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed, Permit
from apps.mirror.models import Scope
from apps.projects.goes import STAYS, hindered
from apps.projects.models import Project
from apps.wizard import advancing, choices, tasks, views
from apps.wizard.blueprints.register import BLUEPRINTS
from apps.wizard.courses import LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import Bootstrap, Creation
from tests.deeds.making import permitted
from tests.factories import make_project
from tests.simulated import mirrored
from tests.wizard.blueprints.cases import ACCOUNT, REGION

from .making import READ, began, drafted, run

pytestmark = pytest.mark.django_db
State = Bootstrap.State


@pytest.fixture
def browser(maker: Any) -> Client:
    client = Client()
    client.force_login(maker)
    return client


@pytest.fixture
def stranger(people: dict[str, Any]) -> Client:
    client = Client()
    client.force_login(people["stranger"])
    return client


def stays_of(project: Project) -> list[Any]:
    return [told for source in STAYS for told in source(project)]


def begun(browser: Client, blueprint: str = "lambda-python-service") -> Bootstrap:
    browser.post("/wizard/", {"blueprint": blueprint})
    return Bootstrap.objects.latest("pk")


def answered(browser: Client, account: Account, **more: Any) -> Bootstrap:
    """Go through all steps as a person would."""
    made = begun(browser)
    steps = {
        "source": {"source": "codecommit", "branch": "main", "repository": ""},
        "place": {
            "title": "Shop web",
            "project": "shop-web",
            "where": str(account.places.get().pk),
            "into": "",
        },
        "network": {},
        "team": {"team": "Team Shop", "tags": "cost-centre=4711"},
    }
    for name, data in steps.items():
        answer = browser.post(f"/wizard/{made.pk}/{name}/", {**data, **more.get(name, {})})
        assert answer.status_code == 302, (name, answer.context["form"].errors)
    made.refresh_from_db()
    return made


def test_every_template_can_be_chosen(browser: Client):
    page = browser.get("/wizard/").content.decode()
    for one in BLUEPRINTS.values():
        assert one.title in page


def test_how_many_projects_one_owns_costs_the_first_page_no_queries(
    browser: Client, maker: Any, account: Account
):
    permit = Permit.objects.get(account=account)
    Permit.objects.filter(pk=permit.pk).update(everyone=False)
    counts = []
    for number in range(6):
        last = make_project(f"Own {number}", owner=maker)
        if number in (0, 5):
            with CaptureQueriesContext(connection) as asked:
                answer = browser.get("/wizard/")
            assert answer.context["nowhere"]
            counts.append(len(asked))
    assert counts[0] == counts[1]
    permit.projects.set([last])
    assert not browser.get("/wizard/").context["nowhere"]


def test_who_owns_nothing_makes_nothing(people: dict[str, Any], maker: Any, scope: Scope):
    client = Client()
    client.force_login(people["contributor"])
    assert client.get("/wizard/").status_code == 404
    assert client.post("/wizard/", {"blueprint": "ec2-static-page"}).status_code == 404
    # Who owned one when they began, and owns none any more, is refused by the deed.
    failed = began(drafted(people["contributor"], scope), PLAN)
    assert (failed.state, failed.trouble) == (State.FAILED, "They may not do it any more.")


def test_what_is_no_template_is_refused_in_words(browser: Client):
    page = browser.post("/wizard/", {"blueprint": "cobol"})
    assert "Choose one of the templates." in page.content.decode()
    assert not Bootstrap.objects.exists()


def test_the_steps_lead_to_a_preview_with_files_cost_and_nothing_made(
    browser: Client, account: Account, picture: Any
):
    before = picture()
    made = answered(browser, account)
    page = browser.get(made.get_absolute_url()).content.decode()
    assert "toolchain.yml" in page
    assert "What it costs a month" in page
    assert "Plan it" in page
    assert "Make it" not in page
    assert (made.title, made.name, made.answers["tags"]) == (
        "Shop web",
        "shop-web",
        {"cost-centre": "4711"},
    )
    assert picture() == before
    assert not Deed.objects.exists()


@pytest.mark.parametrize(
    ("step", "data", "field", "said"),
    [
        ("place", {"project": "Shop Web!"}, "project", "small letters, digits and hyphens"),
        ("place", {"project": "x" * 31}, "project", "at most 30"),
        ("place", {"title": ""}, "title", "Give the project a name."),
        ("place", {"where": "999"}, "where", "valid choice"),
        ("source", {"source": "github", "repository": "nothing"}, "repository", "owner/name"),
        ("source", {"branch": "../etc"}, "branch", "Name a branch"),
        ("team", {"team": ""}, "team", "Name the team."),
        ("team", {"team": "A", "tags": "no equals sign"}, "tags", "write key=value"),
        ("team", {"team": "A", "tags": "aws:me=1"}, "tags", "no key begins with aws:"),
    ],
)
def test_bad_answers_are_said_at_their_field_and_nothing_is_lost(
    browser: Client, account: Account, step: str, data: dict[str, str], field: str, said: str
):
    made = answered(browser, account)
    kept = dict(made.answers)
    whole = {
        "source": {"source": "codecommit", "branch": "main", "repository": ""},
        "place": {
            "title": "Shop web",
            "project": "shop-web",
            "where": str(account.places.get().pk),
            "into": "",
        },
        "team": {"team": "Team Shop", "tags": ""},
    }[step]
    answer = browser.post(f"/wizard/{made.pk}/{step}/", {**whole, **data})
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    for value in data.values():
        assert not value or value in answer.content.decode()
    made.refresh_from_db()
    assert made.answers == kept


def test_what_there_is_in_the_account_can_be_chosen(
    browser: Client, account: Account, scope: Scope
):
    made = begun(browser, "ec2-static-page")
    browser.post(f"/wizard/{made.pk}/source/", {"source": "codecommit", "branch": "main"})
    place = {"title": "A", "project": "shop-web", "where": str(account.places.get().pk)}
    browser.post(f"/wizard/{made.pk}/place/", place)
    page = browser.get(f"/wizard/{made.pk}/network/")
    assert "is being read" in page.content.decode()
    read = choices.read(scope)
    page = browser.get(f"/wizard/{made.pk}/network/").content.decode()
    assert read.vpcs[0][0] in page
    assert read.subnets[0][0] in page
    sent = {
        "vpc": read.vpcs[0][0],
        "subnets": [read.subnets[0][0], read.subnets[1][0]],
        "visitors": "10.0.0.0/8",
        "instance_type": "t3.micro",
    }
    assert browser.post(f"/wizard/{made.pk}/network/", sent).status_code == 302
    made.refresh_from_db()
    assert made.answers["subnets"] == sent["subnets"]
    bad = browser.post(f"/wizard/{made.pk}/network/", {**sent, "vpc": "", "subnets": []})
    assert set(bad.context["form"].errors) >= {"vpc", "subnets"}


def test_what_was_typed_before_it_was_known_what_there_is_is_kept(
    browser: Client, account: Account, scope: Scope
):
    made = begun(browser, "ec2-static-page")
    browser.post(f"/wizard/{made.pk}/source/", {"source": "codecommit", "branch": "main"})
    place = {"title": "A", "project": "shop-web", "where": str(account.places.get().pk)}
    browser.post(f"/wizard/{made.pk}/place/", place)
    assert choices.read(scope).subnets
    path = f"/wizard/{made.pk}/network/"
    rest = {"visitors": "10.0.0.0/8", "instance_type": "t3.micro", "security_groups": ""}
    typed = {**rest, "vpc": "vpc-0abc1234", "subnets": "subnet-0a1b2c3d, subnet-0e1f2a3b"}
    assert browser.post(path, typed).status_code == 302
    made.refresh_from_db()
    assert made.answers["subnets"] == ["subnet-0a1b2c3d", "subnet-0e1f2a3b"]
    wrong = browser.post(path, {**typed, "vpc": "mine"})
    assert wrong.status_code == 422
    text = wrong.content.decode()
    assert "Select a valid choice" not in text
    assert "subnet-0a1b2c3d, subnet-0e1f2a3b" in text
    # A text that stayed empty chose nothing.
    empty = browser.post(path, {**rest, "vpc": "", "subnets": ""})
    assert "Select a valid choice" not in empty.content.decode()


def test_a_tag_that_stands_there_twice_is_said(browser: Client, account: Account):
    made = answered(browser, account)
    path = f"/wizard/{made.pk}/team/"
    twice = browser.post(path, {"team": "Shop", "tags": "cost=42\ncost=43"})
    assert twice.status_code == 422
    assert "“cost” stands there twice" in twice.content.decode()
    assert "cost=43" in twice.content.decode()


def test_nobody_else_can_tell_that_there_is_one(
    browser: Client, stranger: Client, account: Account
):
    made = answered(browser, account)
    for path in ("", "source/", "undo/"):
        assert stranger.get(f"/wizard/{made.pk}/{path}").status_code == 404
    for path in ("plan/", "make/", "again/", "drop/", "undo/"):
        assert stranger.post(f"/wizard/{made.pk}/{path}").status_code == 404
        assert stranger.post(f"/wizard/99999/{path}").status_code == 404
    assert not Deed.objects.exists()


def test_where_nothing_is_allowed_it_says_who_allows_it(browser: Client, account: Account):
    permitted(account, [])
    page = browser.get("/wizard/").content.decode()
    assert "There is no account in which you may make one" in page


def test_a_project_that_may_act_there_can_be_chosen_where_new_ones_may_not(
    browser: Client, maker: Any, account: Account
):
    own = Project.objects.create(name="Shop", slug="shop")
    own.memberships.create(user=maker, role="owner")
    permitted(account, [name for name in ACTS.by_name if name.startswith("wizard.")], [own])
    made = begun(browser)
    place = {
        "title": "Shop web",
        "project": "shop-web",
        "where": str(account.places.get().pk),
        "into": "",
    }
    answer = browser.post(f"/wizard/{made.pk}/place/", place)
    assert "only being made" in answer.context["form"].errors["into"][0]
    assert browser.post(f"/wizard/{made.pk}/place/", {**place, "into": own.pk}).status_code == 302
    made.refresh_from_db()
    assert made.project == own


def test_from_plan_to_project_by_its_buttons(browser: Client, account: Account, maker: Any):
    made = answered(browser, account)
    assert browser.post(f"/wizard/{made.pk}/make/").status_code == 302
    made.refresh_from_db()
    assert made.state == State.DRAFT, "nothing is made that was not planned"
    browser.post(f"/wizard/{made.pk}/plan/")
    made.refresh_from_db()
    assert (made.state, made.takes) == (State.MOVING, True)
    page = browser.get(made.get_absolute_url()).content.decode()
    assert 'data-refetch-every="2"' in page
    run(made)
    page = browser.get(made.get_absolute_url()).content.decode()
    assert "Make it" in page
    assert "AWS::CodePipeline::Pipeline" in page
    browser.post(f"/wizard/{made.pk}/make/", {"plan": made.change_set})
    browser.post(f"/wizard/{made.pk}/make/", {"plan": made.change_set})
    made.refresh_from_db()
    run(made)
    assert made.state == State.MADE
    assert Deed.objects.filter(act="wizard.create").count() == 1
    page = browser.get(made.get_absolute_url()).content.decode()
    assert made.project
    assert made.project.get_absolute_url() in page


def test_the_same_id_twice_is_refused_in_words(
    browser: Client, account: Account, people: dict[str, Any]
):
    first = answered(browser, account)
    other = Client()
    other.force_login(people["administrator"])
    second = answered(other, account)
    browser.post(f"/wizard/{first.pk}/plan/")
    place = {"title": "B", "project": "shop-web", "where": str(account.places.get().pk)}
    early = other.post(f"/wizard/{second.pk}/place/", place)
    assert (
        "Somebody has made a project of this id there" in early.context["form"].errors["project"][0]
    )
    page = other.post(f"/wizard/{second.pk}/plan/", follow=True).content.decode()
    assert "owner is making a project of that id there already" in page
    second.refresh_from_db()
    assert (second.state, second.takes) == (State.DRAFT, False)
    Bootstrap.objects.filter(pk=first.pk).update(state=State.MADE, made_at=now())
    page = other.post(f"/wizard/{second.pk}/plan/", follow=True).content.decode()
    assert "owner made a project of that id there already" in page


def test_a_bucket_that_somebody_has_is_given_another_name(
    browser: Client, account: Account, aws: Any
):
    made = answered(browser, account)
    aws("s3", "444455556666").create_bucket(
        Bucket=made.chosen.bucket_name,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    browser.post(f"/wizard/{made.pk}/plan/")
    run(made)
    assert "Answers → Names and place" in browser.get(made.get_absolute_url()).content.decode()
    place = {"title": "Shop web", "project": "shop-web", "where": str(account.places.get().pk)}
    dropped = browser.post(f"/wizard/{made.pk}/drop/")
    assert dropped.status_code == 302
    made.refresh_from_db()
    run(made) if made.state == State.MOVING else None
    wrong = browser.post(f"/wizard/{made.pk}/place/", {**place, "bucket": "Not a bucket"})
    assert wrong.status_code == 422
    assert "small letters" in wrong.context["form"].errors["bucket"][0]
    browser.post(f"/wizard/{made.pk}/place/", {**place, "bucket": "shop-web-of-our-own"})
    browser.post(f"/wizard/{made.pk}/plan/")
    made.refresh_from_db()
    assert run(made).state == State.READY
    assert made.chosen.bucket_name == "shop-web-of-our-own"


def test_a_bucket_after_an_id_that_is_none_is_not_wrong_itself(browser: Client, account: Account):
    made = begun(browser)
    place = {"title": "", "project": "Bad Id!"}
    answer = browser.post(f"/wizard/{made.pk}/place/", place)
    assert answer.status_code == 422
    assert "project" in answer.context["form"].errors
    assert "bucket" not in answer.context["form"].errors
    page = browser.get(made.get_absolute_url())
    assert {one.field for one in page.context["refusals"]}.isdisjoint({"bucket", "repository"})
    # One that was written down is judged at once.
    answer = browser.post(f"/wizard/{made.pk}/place/", {**place, "bucket": "UP.per"})
    assert answer.context["form"].errors.keys() >= {"project", "bucket"}


def test_where_nothing_is_allowed_any_more_nothing_is_begun_and_nothing_stands_still(
    browser: Client, account: Account, people: dict[str, Any]
):
    made = answered(browser, account)
    browser.post(f"/wizard/{made.pk}/plan/")
    run(made)
    permit = account.permit
    acts = permit.acts
    permit.acts = []
    permit.save()
    for path, data in (("make", {"plan": made.change_set}), ("drop", {})):
        page = browser.post(f"/wizard/{made.pk}/{path}/", data, follow=True).content.decode()
        assert "Nothing was begun" in page, path
        made.refresh_from_db()
        assert made.state == State.READY, path
    permit.acts = acts
    permit.save()
    browser.post(f"/wizard/{made.pk}/make/", {"plan": made.change_set})
    made.refresh_from_db()
    run(made)
    assert advancing.begin(made, LOOK)
    made.refresh_from_db()
    run(made)
    permit.acts = []
    permit.save()
    administrator = Client()
    administrator.force_login(people["administrator"])
    page = administrator.get(f"/wizard/{made.pk}/undo/").content.decode()
    assert "It cannot be undone now" in page
    assert "Allow something" in page
    sure = {"name": "shop-web", "why": "It is over.", "look": made.preview["begun"]}
    assert browser.post(f"/wizard/{made.pk}/undo/", sure).status_code == 422
    made.refresh_from_db()
    assert made.state == State.MADE
    # Nor is the project's deletion held up: whoever allows it later may say for every project.
    assert not hindered(made.project)


def test_what_is_made_is_the_plan_that_was_seen(browser: Client, account: Account):
    made = answered(browser, account)
    browser.post(f"/wizard/{made.pk}/plan/")
    seen = run(made).change_set
    assert f'value="{seen}"' in browser.get(made.get_absolute_url()).content.decode()
    # Somebody else drops it, answers anew and plans again.
    browser.post(f"/wizard/{made.pk}/drop/")
    run(made)
    team = {"team": "Others", "tags": ""}
    assert browser.post(f"/wizard/{made.pk}/team/", team).status_code == 302
    browser.post(f"/wizard/{made.pk}/plan/")
    made.refresh_from_db()
    newer = run(made).change_set
    assert newer != seen
    page = browser.post(f"/wizard/{made.pk}/make/", {"plan": seen}, follow=True)
    assert "Somebody planned it anew meanwhile" in page.content.decode()
    made.refresh_from_db()
    assert made.state == State.READY
    browser.post(f"/wizard/{made.pk}/make/", {"plan": newer})
    made.refresh_from_db()
    assert made.state == State.MOVING


def test_who_saw_it_otherwise_begins_nothing(browser: Client, account: Account):
    """Two people press at once: whoever comes second read it before the first one pressed."""
    made = answered(browser, account)
    late = Bootstrap.objects.get(pk=made.pk)
    assert advancing.begin(made, PLAN, takes=True)
    Bootstrap.objects.filter(pk=made.pk).update(state=State.READY)
    assert not advancing.begin(late, MAKE)


def test_a_draft_that_is_planned_in_that_moment_is_not_thrown_away(
    browser: Client, account: Account, monkeypatch: pytest.MonkeyPatch
):
    made = answered(browser, account)
    read = views._mine

    def planned_meanwhile(request: Any, pk: int) -> Bootstrap:
        found = read(request, pk)
        Bootstrap.objects.filter(pk=pk).update(state=State.MOVING, course=PLAN, takes=True)
        return found

    monkeypatch.setattr(views, "_mine", planned_meanwhile)
    page = browser.post(f"/wizard/{made.pk}/drop/", follow=True).content.decode()
    assert "It is being planned by now" in page
    assert Bootstrap.objects.filter(pk=made.pk).exists()


def test_what_waits_for_somebody_is_found_however_much_was_made_since(browser: Client, maker: Any):
    project = make_project("Others", owner=maker)
    old = begun(browser)
    Bootstrap.objects.filter(pk=old.pk).update(answers={"project": "old"}, title="Long ago")
    rows = [Bootstrap(blueprint="lambda-python-service", title=f"Made {number}", project=project,
                      state=State.MADE, made_at=now(), maker=maker)
            for number in range(25)]  # fmt: skip
    Bootstrap.objects.bulk_create(rows)
    page = browser.get("/wizard/")
    assert [str(one) for one in page.context["mine"]][:2] == ["Long ago", "Made 24"]
    assert len(page.context["mine"]) == 21
    more = browser.get(f"/wizard/?after={quote(page.context['following'])}")
    assert [str(one) for one in more.context["mine"]] == [f"Made {n}" for n in range(4, -1, -1)]


def test_what_one_begins_with_twice_is_one_draft_that_can_be_thrown_away(
    browser: Client, account: Account, people: dict[str, Any]
):
    first = begun(browser)
    assert begun(browser) == first
    page = browser.get("/wizard/").content.decode()
    assert f'href="/wizard/{first.pk}/"' not in page, "nothing was answered in it"
    administrator = Client()
    administrator.force_login(people["administrator"])
    assert begun(administrator) != first, "what is another's is not taken"
    browser.post(f"/wizard/{first.pk}/source/", {"source": "codecommit", "branch": "main"})
    page = browser.get("/wizard/").content.decode()
    assert f'action="/wizard/{first.pk}/drop/"' in page
    assert begun(browser) != first, "what was answered is kept"
    assert browser.post(f"/wizard/{first.pk}/drop/")["Location"] == "/wizard/"
    assert not Bootstrap.objects.filter(pk=first.pk).exists()


@pytest.mark.sql
def test_drafts_without_an_answer_are_forgotten_after_days(browser: Client, account: Account):
    old, answered_old = begun(browser), drafted(None, account.places.get().scope)
    Bootstrap.objects.update(begun_at=now() - tasks.UNTOUCHED * 2)
    new = begun(browser, "ec2-static-page")
    tasks.tidy()
    assert set(Bootstrap.objects.all()) == {answered_old, new}
    assert not Bootstrap.objects.filter(pk=old.pk).exists()


@pytest.fixture
def without_lambda(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`without_lambda()`: an update of the dashboard removes a template."""
    return lambda: monkeypatch.delitem(BLUEPRINTS, "lambda-python-service")


def test_what_was_made_of_a_template_that_is_no_more_is_shown_and_can_be_undone(
    browser: Client,
    maker: Any,
    scope: Scope,
    picture: Any,
    without_lambda: Callable[[], None],
):
    before = picture()
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    without_lambda()
    page = browser.get(made.get_absolute_url()).content.decode()
    assert "Its template is not part of this version any more" in page
    assert "can be undone" in page
    assert made.project
    leaver = browser.get(reverse("projects:delete", args=[made.project.slug])).content.decode()
    assert "What was made from “lambda-python-service”" in leaver
    looked = began(made, LOOK)
    assert (looked.edited, looked.edited_app) == ([], [])
    page = browser.get(f"/wizard/{made.pk}/undo/").content.decode()
    assert "Of shop-web-app, which the pipeline deployed" in page
    undone = began(looked, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before


def test_nothing_new_is_made_of_a_template_that_is_no_more(
    browser: Client, account: Account, without_lambda: Callable[[], None]
):
    made = answered(browser, account)
    without_lambda()
    page = browser.get(made.get_absolute_url()).content.decode()
    assert "Plan it" not in page
    for path in ("plan/", "make/"):
        told = browser.post(f"/wizard/{made.pk}/{path}", follow=True).content.decode()
        assert "nothing new can be made of it" in told
    told = browser.get(f"/wizard/{made.pk}/source/", follow=True).content.decode()
    assert "nothing new can be made of it" in told
    assert browser.get("/wizard/").status_code == 200
    made.refresh_from_db()
    assert made.state == State.DRAFT
    browser.post(f"/wizard/{made.pk}/drop/")
    assert not Bootstrap.objects.filter(pk=made.pk).exists()


def test_which_acts_are_not_allowed_is_said_before_anything_is_made(
    browser: Client, account: Account, picture: Any
):
    before = picture()
    made = answered(browser, account)
    some = [name for name in ACTS.by_name if name.startswith("wizard.")]
    permitted(account, [name for name in some if name not in ("wizard.keep", "wizard.halt")])
    place = {"title": "B", "project": "shop-web", "where": str(account.places.get().pk)}
    page = browser.post(f"/wizard/{made.pk}/place/", place)
    (said,) = page.context["form"].errors["into"]
    assert "Stop the pipeline, Keep what was edited" in said
    assert "What may be done → Project wizard" in said
    # Whoever answered it before learns it from the first look.
    browser.post(f"/wizard/{made.pk}/plan/")
    made.refresh_from_db()
    run(made)
    assert made.state == State.DRAFT
    (found,) = [one for one in made.preview["checks"] if one["ok"] is False]
    assert "Stop the pipeline, Keep what was edited" in found["told"]
    page = browser.get(made.get_absolute_url())
    assert "Cannot be made yet</span>" in page.content.decode()
    # What is in the way stands before all that is not.
    assert page.context["checks"][0] == found
    assert picture() == before
    assert not Deed.objects.exists()


def test_an_account_that_is_paused_is_not_offered_and_named(browser: Client, account: Account):
    made = begun(browser)
    account.paused = True
    account.save()
    form = browser.get(f"/wizard/{made.pk}/place/").context["form"]
    assert form.fields["where"].choices == []
    assert account.name in form.fields["where"].help_text


def test_an_undo_wants_the_id_and_says_what_stays(browser: Client, maker: Any, scope: Scope):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    path = f"/wizard/{made.pk}/undo/"
    assert "Look for edits" in browser.get(path).content.decode()
    # Who types the id before anybody looked is led to look first.
    assert browser.post(path, {"do": "look"})["Location"] == path
    assert 'data-refetch-every="2"' in browser.get(path).content.decode()
    made.refresh_from_db()
    assert made.course == LOOK
    run(made)
    page = browser.get(f"/wizard/{made.pk}/undo/").content.decode()
    assert "ArtifactBucket" in page
    assert "Repository shop-web" in page
    assert "Of shop-web-app, which the pipeline deployed" in page
    assert "AWS did not compare KeyAlias, Api, " in page
    assert "despite" not in page
    # Where AWS could not compare something, nobody undoes it in passing.
    lost = [["ErrorsAlarm", "AWS::CloudWatch::Alarm", "shop-web-app"]]
    seen = {**made.preview, "uncompared": lost, "uncompared_why": "Not allowed."}
    Bootstrap.objects.filter(pk=made.pk).update(preview=seen)
    sure = {"name": "shop-web", "why": "It is over."}
    unsaid = browser.post(path, {**sure, "look": made.preview["begun"]})
    assert unsaid.status_code == 422
    assert "AWS could not compare everything" in unsaid.content.decode()
    assert unsaid.context["form"].errors.keys() == {"despite"}
    Bootstrap.objects.filter(pk=made.pk).update(preview=made.preview)
    wrong = browser.post(f"/wizard/{made.pk}/undo/", {"name": "shop"})
    assert wrong.status_code == 422
    assert "Type the id exactly: shop-web" in wrong.content.decode()
    # Somebody else looked again meanwhile: what goes is read anew before it goes.
    stale = browser.post(path, {**sure, "look": "2026-11-29T10:00:00+00:00"})
    assert stale.status_code == 422
    assert "Read what goes and what stays now" in stale.content.decode()
    made.refresh_from_db()
    assert made.state == State.MADE
    seen = {**sure, "look": made.preview["begun"]}
    assert f'value="{made.preview["begun"]}"' in stale.content.decode()
    assert browser.post(path, seen).status_code == 302
    begun = browser.get(made.get_absolute_url())
    # All was made, and nothing of it went yet.
    assert begun.context["counts"]["done"] == 0 < begun.context["counts"]["every"]
    made.refresh_from_db()
    assert run(made).state == State.UNDONE
    page = browser.get(made.get_absolute_url()).content.decode()
    assert "it holds your code" in page
    # What went of either stack stays told, and whose it was.
    assert ">of shop-web-app<" in page
    assert "ArtifactBucket" in page


def test_the_leavers_list_names_what_keeps_billing(browser: Client, maker: Any, scope: Scope):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    assert made.project
    told = [one for source in STAYS for one in source(made.project)]
    assert any(one.bills and "Pipelines: 1" in one.told for one in told)
    path = reverse("projects:delete", args=[made.project.slug])
    page = browser.get(path).content.decode()
    assert "Undo it first" in page
    assert "keeps billing" in page
    assert f"/wizard/{made.pk}/undo/" in page
    undone = began(began(made, LOOK), UNDO)
    assert undone.state == State.UNDONE
    mirrored(ACCOUNT, REGION, *READ)
    told = [one for source in STAYS for one in source(made.project)]
    assert not any(one.bills for one in told), told
    assert any("it holds your code" in one.told for one in told)


def test_a_project_is_not_deleted_under_what_goes_on_in_its_name(
    browser: Client, maker: Any, scope: Scope, account: Account
):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    assert made.project
    path, sure = reverse("projects:delete", args=[made.project.slug]), {"name": "Shop web"}
    assert advancing.begin(made, LOOK)
    answer = browser.post(path, sure)
    assert answer.status_code == 409
    assert "is under way in its name" in answer.content.decode()
    made.refresh_from_db()
    run(made)
    # Where projects have to be named to act, nobody could undo it afterwards.
    permit = account.permit
    permit.everyone = False
    permit.save()
    permit.projects.add(made.project)
    answer = browser.post(path, sure)
    assert answer.status_code == 409
    assert "could be undone by nobody afterwards" in answer.content.decode()
    assert Project.objects.filter(pk=made.project.pk).exists()
    permit.everyone = True
    permit.save()
    assert browser.post(path, sure).status_code == 302
    assert not Project.objects.filter(pk=made.project.pk).exists()


def test_the_leavers_list_names_what_was_made_by_half_and_what_an_undo_left(
    browser: Client, maker: Any, scope: Scope
):
    project = make_project("Warehouse", owner=maker)
    half = drafted(maker, scope)
    Bootstrap.objects.filter(pk=half.pk).update(project=project, state=State.FAILED, course=MAKE)
    half.creations.create(kind="AWS::S3::Bucket", ident="Artifacts", fate=Creation.Fate.MADE)
    (told,) = [one for one in stays_of(project) if one.url]
    assert "as shop-web, as far as it came" in told.told
    assert (told.bills, told.url) == (True, f"/wizard/{half.pk}/undo/")
    Bootstrap.objects.filter(pk=half.pk).update(state=State.UNDONE, course=UNDO)
    half.creations.update(fate=Creation.Fate.LEFT, why="it was edited")
    half.creations.create(
        kind="AWS::IAM::Role", ident="Role", fate=Creation.Fate.LEFT, why="the bucket's policy"
    )
    bills = {one.told.partition(" ")[0]: one.bills for one in stays_of(project)}
    assert bills == {"Artifacts": True, "Role": False}


def test_an_owner_goes_on_with_what_another_one_left(
    people: dict[str, Any], maker: Any, scope: Scope, account: Account
):
    planned = began(drafted(maker, scope), PLAN)
    Permit.objects.all().delete()
    account.refresh_from_db()
    failed = began(planned, MAKE)
    assert failed.state == State.FAILED
    assert "only read" in failed.trouble
    permitted(account)
    other = Client()
    other.force_login(people["administrator"])
    other.post(f"/wizard/{failed.pk}/again/")
    failed.refresh_from_db()
    assert failed.who == people["administrator"]
    assert run(failed).state == State.MADE


def test_whoever_presses_the_button_did_it_and_the_project_is_its_makers(
    people: dict[str, Any], maker: Any, scope: Scope
):
    planned = began(drafted(maker, scope), PLAN)
    other = Client()
    other.force_login(people["administrator"])
    other.post(f"/wizard/{planned.pk}/make/", {"plan": planned.change_set})
    made = Bootstrap.objects.get(pk=planned.pk)
    assert run(made).state == State.MADE
    assert Deed.objects.get(act="wizard.create").who == people["administrator"]
    made.refresh_from_db()
    assert made.project
    (member,) = made.project.memberships.all()
    assert (member.user, member.role) == (maker, "owner")


def test_who_was_taken_out_of_the_project_knows_no_more_of_it(
    browser: Client, maker: Any, scope: Scope
):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    assert browser.get(made.get_absolute_url()).status_code == 200
    assert made.project
    made.project.memberships.all().delete()
    assert browser.get(made.get_absolute_url()).status_code == 404


def test_an_account_that_is_connected_no_more_is_said(maker: Any, scope: Scope):
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    Bootstrap.objects.filter(pk=made.pk).update(scope=None)
    made.refresh_from_db()
    gone = "The account is connected no more."
    looked = began(made, LOOK)
    assert (looked.state, looked.preview["unlooked"]["trouble"]) == (State.MADE, gone)
    stands = began(looked, UNDO)
    assert (stands.state, stands.trouble) == (State.FAILED, gone)
