"""Pages of proposals and resources: who gets in, what they show, and that they cost the same."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.adoption import resources_views
from apps.adoption.keep import renew
from apps.adoption.models import Adoption, Declined, Proposal, ProposedRow
from apps.adoption.shown import MOST, singular
from apps.projects.models import Holding, Membership, Project
from tests.adoption import rows as made
from tests.adoption.test_deeds import make_shop
from tests.factories import hold, make_project, make_scope, make_user

pytestmark = pytest.mark.django_db

LIST = "/projects/proposals/"


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator() -> Client:
    return client_of(make_user("administrator", staff=True))


@pytest.fixture
def people() -> dict[str, Any]:
    return {
        role: make_user(role, reads_everything=False)
        for role in ("owner", "contributor", "viewer", "stranger")
    }


def decide(client: Client, proposal: Proposal, do: str, **more: Any) -> Any:
    values = {"do": do, "version": proposal.version, **more}
    return client.post(f"{LIST}{proposal.pk}/", values, follow=True)


def all_rows(proposal: Proposal) -> list[int]:
    return list(proposal.rows.filter(shared=[]).values_list("pk", flat=True))


@pytest.mark.parametrize("role", ["owner", "contributor", "viewer", "stranger"])
def test_proposals_are_the_administrators(people: dict[str, Any], role: str):
    make_shop()
    renew()
    one = Proposal.objects.get()
    client = client_of(people[role])
    assert client.get(LIST).status_code == 404
    assert client.post(f"{LIST}tag/", {"tag_key": "team"}).status_code == 404
    for do in ("accept", "ignore", "split", "nonsense"):
        assert decide(client, one, do).status_code == 404
    assert Proposal.objects.get().version == one.version
    assert not Project.objects.exists()


def test_who_reads_everything_decides_nothing():
    client = client_of(make_user("auditor"))
    assert client.get(LIST).status_code == 404


def test_nobody_who_is_not_signed_in(client: Client):
    for path in (LIST, "/projects/shop/resources/", "/projects/in/codebuild.project/1/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_the_list_says_what_belongs_and_why_and_takes_hostile_names(administrator: Client):
    function = made.function("shop-api")
    made.alarm("<script>alert(1)</script>", function)
    made.pipeline("shop", made.deploy("Lambda", FunctionName="shop-api"))
    renew()
    page = administrator.get(LIST).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "watches function shop-api, which is invoked by pipeline shop, stage Deploy" in page
    assert "1 pipeline, 1 function, 1 alarm" in page


def test_accepting_by_the_page(administrator: Client):
    make_shop()
    renew()
    one = Proposal.objects.get()
    alarm = one.rows.get(kind="cloudwatch.alarm").pk
    ticked = [pk for pk in all_rows(one) if pk != alarm]
    page = decide(administrator, one, "accept", name=" The  Shop\u200b ", row=ticked)
    link = '<a class="link" href="/projects/the-shop/">The Shop</a>'
    assert f"{link} is a project now, and yours." in page.text
    project = Project.objects.get()
    assert (project.name, project.holdings.count()) == ("The Shop", 3)
    assert Declined.objects.get().kind == "cloudwatch.alarm"
    again = decide(administrator, one, "accept", name="x", row=ticked)
    assert "Somebody was quicker" in again.text
    assert Project.objects.count() == 1


def test_names_on_messages_are_text(administrator: Client):
    make_shop()
    renew()
    page = decide(administrator, Proposal.objects.get(), "accept", name="<b>x</b>", row=[])
    assert "Choose at least one resource." in page.text
    one = Proposal.objects.get()
    page = decide(administrator, one, "accept", name="<b>x</b>", row=all_rows(one))
    assert ">&lt;b&gt;x&lt;/b&gt;</a> is a project now" in page.text
    assert "<b>x</b>" not in page.text


def test_what_is_split_off_has_ticks_of_its_own_that_are_empty_at_first(administrator: Client):
    rows = make_shop()
    renew()
    page = administrator.get(LIST).text
    parts = re.findall(r'<input type="checkbox" name="part" value="\d+"([^>]*)>', page)
    assert parts == [""] * len(rows)
    # What is ticked to be accepted says nothing of what is split off.
    one = Proposal.objects.get()
    alarm = one.rows.get(kind="cloudwatch.alarm")
    decide(administrator, one, "split", row=all_rows(one), part=[alarm.pk], split_name="Watch")
    assert [row.row for row in Proposal.objects.get(name="Watch").rows.all()] == [alarm.row]


def test_single_resources_and_what_is_left_are_told_in_words(administrator: Client):
    function = made.function("shop-api")
    made.alarm("shop-slow", function)
    made.alarm("shop-wrong", function)
    made.log_group("/left/over")
    renew()
    page = administrator.get(LIST).text
    assert re.search(r'class="strong break">shop-api, shop-slow, shop-wrong</span>', page)
    assert "1 function, 2 alarms" in page
    assert "In no project and in no proposal: 1 log group." in page
    made.log_group("/left/over/too")
    renew()
    assert "In no project and in no proposal: 2 log groups." in administrator.get(LIST).text


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("awslambda.alias", "function alias"),
        ("codecommit.branch", "branch"),
        ("codecommit.repository", "repository"),
        ("codebuild.project", "build project"),
        ("ec2.autoscalinggroup", "Auto Scaling group"),
    ],
)
def test_one_of_a_kind_is_called_so(kind: str, word: str):
    assert singular(kind) == word


def test_every_other_deed_by_the_page(administrator: Client):
    make_shop()
    make_shop("pay")
    renew()
    shop, pay = Proposal.objects.get(name="Shop"), Proposal.objects.get(name="Pay")
    function = shop.rows.get(kind="awslambda.function").pk
    page = decide(administrator, shop, "split", part=[function], split_name="")
    assert "Say what the part that you split off is called." in page.text
    page = decide(administrator, shop, "split", part=[function], split_name="API")
    assert "API is a proposal of its own now." in page.text
    shop = Proposal.objects.get(pk=shop.pk)
    page = decide(administrator, shop, "put", **{"with": f"proposal-{pay.pk}"})
    assert "Shop is one proposal now." in page.text
    shop = Proposal.objects.get(pk=shop.pk)
    assert "The name is kept" in decide(administrator, shop, "rename", name="All").text
    assert "as it was found" in decide(administrator, shop, "unshape").text
    renew()
    pay = Proposal.objects.get(name="Pay")
    assert "Pay is ignored" in decide(administrator, pay, "ignore").text
    assert "Pay is proposed again" in decide(administrator, pay, "again").text
    project = make_project("There")
    pay = Proposal.objects.get(name="Pay")
    page = decide(administrator, pay, "put", row=all_rows(pay), **{"with": f"project-{project.pk}"})
    assert '<a class="link" href="/projects/there/">There</a> holds these' in page.text
    assert project.holdings.count() == 4


@pytest.mark.parametrize(
    "values",
    [
        {"do": "put", "with": "project-999"},
        {"do": "put", "with": "project-x"},
        {"do": "put", "with": "<b>"},
        {"do": "put"},
        {"do": "accept", "version": "99"},
        {"do": "accept", "split_name": "Part"},
        {"do": "accept", "part": ["1"]},
        {"do": "put", "with": "project-1", "part": ["1"]},
        {"do": "split", "split_name": "Part", "row": ["1", "2"]},
        {"do": "split", "split_name": "Part", "part": ["x", "-5", "99999999"]},
        {"do": "accept", "version": "-1"},
        {"do": "accept", "version": "9" * 40},
        {"do": "accept", "row": ["x", "-5", "99999999"]},
        {"do": "decline"},
    ],
)
def test_bad_input_changes_nothing(administrator: Client, values: dict[str, Any]):
    make_shop()
    renew()
    one = Proposal.objects.get()
    answer = administrator.post(f"{LIST}{one.pk}/", {"version": one.version, **values}, follow=True)
    assert answer.status_code == 200
    assert "st-bad" in answer.text
    assert not Project.objects.exists()
    assert Proposal.objects.get().certain == 4


def test_a_tag_is_set_and_awss_own_are_refused(administrator: Client):
    page = administrator.post(f"{LIST}tag/", {"tag_key": "aws:tag"})
    assert page.status_code == 422
    assert "AWS&#x27;s own" in page.text
    assert administrator.post(f"{LIST}tag/", {"tag_key": " team "}).status_code == 302
    assert Adoption.here().tag_key == "team"
    assert 'value="team"' in administrator.get(LIST).text


def test_the_empty_list_teaches(administrator: Client):
    assert "No AWS account is connected" in administrator.get(LIST).text
    scope = make_scope(first_swept_at=None)
    page = administrator.get(LIST).text
    assert "1 place is being read for the first time" in page
    assert "Nothing is found yet" in page
    type(scope).objects.update(first_swept_at=scope.created_at)
    renew()
    assert "Everything that hangs together is in a project" in administrator.get(LIST).text


def test_home_and_projects_lead_there_for_who_may_decide(
    administrator: Client, people: dict[str, Any], settings: Any
):
    settings.ADOPT = "ask"
    make_shop()
    make_shop("pay")
    renew()
    for path in ("/", "/projects/"):
        assert "2 projects proposed" in administrator.get(path).text, path
        assert "proposed" not in client_of(people["stranger"]).get(path).text
    etag = administrator.get("/")["ETag"]
    decide(administrator, Proposal.objects.get(name="Pay"), "ignore")
    page = administrator.get("/", headers={"If-None-Match": etag})
    assert "1 project proposed" in page.text


def test_owners_are_told_how_many_seem_to_belong_and_administrators_add_them(
    administrator: Client, people: dict[str, Any]
):
    rows = make_shop()
    project = make_project(
        "Shop",
        *rows[:2],
        owner=people["owner"],
        contributor=people["contributor"],
        viewer=people["viewer"],
    )
    renew()
    path = "/projects/shop/resources/"
    one = Proposal.objects.get()
    for role in ("owner", "contributor", "viewer"):
        client = client_of(people[role])
        page = client.get(path).text
        assert ("2 new resources seem to belong here" in page) is (role == "owner")
        assert "shop-errors" not in page
        assert "seem" not in client.get("/").text
        values = {"do": "add", "version": one.version, "row": all_rows(one)}
        assert client.post(f"{path}proposed/", values).status_code == 404
        assert decide(client, one, "add", row=all_rows(one)).status_code == 404
    assert "an administrator can add them" in client_of(people["owner"]).get(path).text
    assert project.holdings.count() == 2
    assert "2 new resources for 1 project" in administrator.get("/").text
    assert f'href="{LIST}"' in administrator.get(path).text
    alarm = one.rows.get(kind="cloudwatch.alarm").pk
    assert "</a> holds these resources now" in decide(administrator, one, "add", row=[alarm]).text
    assert project.holdings.count() == 3
    assert "Somebody was quicker" in decide(administrator, one, "add", row=[alarm]).text


def test_what_was_too_much_to_list_is_added_and_never_declined_unseen(administrator: Client):
    pipeline = made.pipeline("shop")
    project = make_project("Shop", pipeline)
    groups = [made.log_group(f"shop-{number:03}") for number in range(MOST + 3)]
    one = Proposal.objects.create(
        anchor="project:x", digest="x", name="Shop", project=project, certain=len(groups)
    )
    ProposedRow.objects.bulk_create(
        ProposedRow(
            proposal=one, kind="cloudwatch.loggroup", row_id=row.pk, scope=row.scope, name=row.key
        )
        for row in groups
    )
    page = administrator.get(LIST).text
    assert "3 more go where these go" in page
    listed = [pk for pk in all_rows(one) if f'name="row" value="{pk}"' in page]
    assert len(listed) == MOST
    decide(administrator, one, "add", row=listed[1:])
    assert project.holdings.put().count() == 1 + MOST - 1 + 3
    assert [barred.row_id for barred in Declined.objects.all()] == [groups[0].pk]


def test_an_owner_is_told_nothing_of_what_others_share_in(people: dict[str, Any]):
    rows = make_shop()
    others = make_shop("secret")
    make_project("Shop", rows[0], owner=people["owner"])
    make_project("Hidden", others[0])
    both = made.make("cloudwatch.alarm", "both", made.arn("cloudwatch", "alarm:both"))
    for alarm in (rows[3], others[3]):
        made.tie(both, "asks", alarm)
    renew()
    page = client_of(people["owner"]).get("/projects/shop/resources/").text
    assert "3 new resources seem to belong here" in page
    for word in ("shop-errors", "Hidden", "secret", "both"):
        assert word not in page


def test_resources_are_listed_with_why_since_and_by_whom(people: dict[str, Any]):
    rows = make_shop()
    project = make_project("Shop", rows[0], viewer=people["viewer"])
    Holding.objects.create(
        project=project,
        kind="cloudwatch.alarm",
        row_id=rows[3].pk,
        scope=rows[3].scope,
        how="adopted",
        why=[["watches", "awslambda.function", "shop-api"]],
        added_by=people["owner"],
    )
    page = client_of(people["viewer"]).get("/projects/shop/resources/").text
    assert "watches a function" in page
    assert re.search(r"adopted\s*<time[^>]*>[^<]*</time>\s*by owner", page)
    assert "Take out" not in page
    assert "Link something" not in page
    assert client_of(people["stranger"]).get("/projects/shop/resources/").status_code == 404


def test_reasons_name_what_the_project_holds_alone(
    administrator: Client, people: dict[str, Any], django_assert_max_num_queries: Any
):
    function, other = made.function("shop-api"), made.function("secret-api")
    pipeline = made.pipeline("shop, inc.")
    hidden = make_project("Hidden", other)
    alarm = made.alarm("errors")
    project = make_project("Shop", function, pipeline, viewer=people["viewer"])
    why = [
        ["watches", "awslambda.function", "shop-api"],
        ["is made by", "cloudformation.stack", "secret-stack"],
        ["calls", "awslambda.function", "secret-api"],
        ["is deployed by", "codepipeline.pipeline", "shop, inc., stage Deploy"],
        ["takes its source from", "repository", "acme/shop"],
    ]
    for one in (project, hidden):
        Holding.objects.create(
            project=one,
            kind="cloudwatch.alarm",
            row_id=alarm.pk,
            scope=alarm.scope,
            how="adopted",
            why=why,
        )
    told = (
        "watches function shop-api, which is made by a stack, which calls a function, which is "
        "deployed by pipeline shop, inc., stage Deploy, which takes its source from repository "
        "acme/shop"
    )
    panel = f"/projects/in/cloudwatch.alarm/{alarm.pk}/"
    for path in ("/projects/shop/resources/", panel):
        page = client_of(people["viewer"]).get(path).text
        assert told in page
        assert "secret" not in page
        assert "is made by stack secret-stack" in administrator.get(path).text
    client = client_of(people["viewer"])
    with django_assert_max_num_queries(30):
        client.get("/projects/shop/resources/")


def test_one_links_what_one_looks_after_and_nothing_else(people: dict[str, Any]):
    mine, foreign, read = map(made.pipeline, ("mine-one", "mine-foreign", "mine-read"))
    make_project("Other", mine, contributor=people["contributor"])
    make_project("Read", read, viewer=people["contributor"])
    project = make_project("Shop", contributor=people["contributor"], viewer=people["viewer"])
    client = client_of(people["contributor"])
    path = "/projects/shop/resources/"
    page = client.get(path, {"q": "mine"}).text
    assert "mine-one" in page
    assert "mine-foreign" not in page
    assert "mine-read" not in page
    kind = "codepipeline.pipeline"
    for row, status in (
        (foreign.pk, 404),
        (read.pk, 404),
        (999999, 404),
        ("x", 404),
        (mine.pk, 302),
    ):
        answer = client.post(f"{path}link/", {"kind": kind, "row": row, "q": "mine"})
        assert answer.status_code == status, row
    assert answer["Location"] == f"{path}?q=mine"
    assert project.holdings.get().added_by == people["contributor"]
    assert client.post(f"{path}link/", {"kind": "iam.role", "row": 1}).status_code == 404
    assert client.post(f"{path}link/", {"kind": "codebuild.build", "row": 1}).status_code == 404
    for role in ("viewer", "stranger"):
        other = client_of(people[role])
        for deed in ("link", "unlink"):
            values = {"kind": kind, "row": mine.pk}
            assert other.post(f"{path}{deed}/", values).status_code == 404
    assert client.post(f"{path}unlink/", {"kind": kind, "row": mine.pk}).status_code == 302
    assert not project.holdings.exists()
    page = client.post(f"{path}unlink/", {"kind": kind, "row": mine.pk}, follow=True).text
    assert "does not hold it any more" in page


def test_what_one_only_reads_is_not_carried_into_a_project_of_one_s_own(people: dict[str, Any]):
    row, free = made.build_project("shop-build"), made.build_project("free")
    make_project("Shop", row, viewer=people["viewer"])
    own = make_project("Own", owner=people["viewer"])
    client = client_of(people["viewer"])
    path = f"/projects/in/codebuild.project/{row.pk}/"
    assert "Link to it" not in client.get(path).text
    assert client.post(f"{path}change/", {"project": "own", "do": "add"}).status_code == 404
    values = {"kind": "codebuild.project", "row": row.pk}
    assert client.post("/projects/own/resources/link/", values).status_code == 404
    reader = client_of(make_user("auditor"))
    make_project("Audit", owner=reader.get("/").wsgi_request.user)
    assert "shop-build" not in reader.get("/projects/audit/resources/", {"q": "build"}).text
    for one in (row, free):
        values = {"kind": "codebuild.project", "row": one.pk}
        assert reader.post("/projects/audit/resources/link/", values).status_code == 404
    assert not own.holdings.exists()
    administrator = client_of(make_user("administrator", staff=True))
    assert administrator.post("/projects/own/resources/link/", values).status_code == 302
    assert own.holdings.count() == 1


def test_whoever_looks_after_what_something_belongs_to_links_it(people: dict[str, Any]):
    application, group = made.application("shop", "production")
    make_project("Shop", application, contributor=people["contributor"], viewer=people["viewer"])
    values = {"kind": "codedeploy.deploymentgroup", "row": group.pk}
    for role, status in (("contributor", 302), ("viewer", 404)):
        make_project(f"Of {role}", owner=people[role])
        path = f"/projects/of-{role}/resources/"
        page = client_of(people[role]).get(path, {"q": "prod"}).text
        assert (str(group) in page) is (role == "contributor")
        assert client_of(people[role]).post(f"{path}link/", values).status_code == status


def test_owners_learn_that_others_hold_it_too_and_not_who(people: dict[str, Any]):
    row = made.build_project("shop-build")
    make_project("Shop", row, owner=people["owner"], contributor=people["contributor"])
    make_project("Hidden", row)
    panel = f"/projects/in/codebuild.project/{row.pk}/"
    for role in ("owner", "contributor"):
        client = client_of(people[role])
        pages = client.get(panel).text, client.get("/projects/shop/resources/").text
        assert ("And in 1 project that you are not in" in pages[0]) is (role == "owner")
        assert ("also held by 1 other project" in pages[1]) is (role == "owner")
        assert "Hidden" not in "".join(pages)


def test_everything_that_is_held_can_be_reached(
    people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(resources_views, "PAGE", 2)
    rows = [made.log_group(f"group-{number}") for number in range(5)]
    make_project("Shop", *rows, viewer=people["viewer"])
    client, path = client_of(people["viewer"]), "/projects/shop/resources/"
    told, after = [], ""
    for _ in range(3):
        page = client.get(path, {"after": after}).text
        assert " of 5" in page
        told += re.findall(r">(group-\d)<", page)
        after = (re.findall(r'href="\?after=([^"]+)" rel="next"', page) or [""])[0]
    assert told == [row.key for row in rows]
    assert after == ""


def test_a_resources_page_says_in_which_projects_it_is(people: dict[str, Any]):
    rows = make_shop()
    make_project("Shop", rows[1], viewer=people["viewer"], contributor=people["contributor"])
    make_project("Hidden", rows[1])
    free = make_project("Free", contributor=people["contributor"])
    path = f"/projects/in/codebuild.project/{rows[1].pk}/"
    page = client_of(people["viewer"]).get(path).text
    assert "Shop" in page
    assert "Hidden" not in page
    assert "Link to it" not in page
    client = client_of(people["contributor"])
    page = client.get(path, headers={"HX-Request": "true"}).text
    assert page.lstrip().startswith("<section")
    assert "Link to it" in page
    change = f"{path}change/"
    assert client.post(change, {"project": "free", "do": "add"}).status_code == 302
    assert free.holdings.count() == 1
    for place in ("hidden", "nowhere", ""):
        assert client.post(change, {"project": place, "do": "add"}).status_code == 404
    assert client.post(change, {"project": "shop", "do": "remove"}).status_code == 302
    answer = client.post(change, {"project": "free", "do": "remove"})
    assert answer["Location"] == "/projects/free/resources/"
    assert client.get(path).status_code == 404
    assert client_of(people["stranger"]).get(path).status_code == 404
    assert client.get("/projects/in/iam.role/1/").status_code == 404
    assert client.post(change, {"project": "free", "do": "add"}).status_code == 404


def test_what_belongs_to_something_held_says_so(people: dict[str, Any]):
    from tests.factories import make_build

    build = make_build("shop-build")
    make_project("Shop", build.project, viewer=people["viewer"])
    page = client_of(people["viewer"]).get(f"/projects/in/codebuild.build/{build.pk}/").text
    assert "with the build project that it belongs to" in page


@pytest.mark.parametrize("many", [1, 12])
def test_pages_ask_the_same_however_much_there_is(
    administrator: Client, many: int, django_assert_max_num_queries: Any
):
    project = make_project("Held")
    for number in range(many):
        rows = make_shop(f"s{number}x")
        hold(project, *made.application(f"a{number}", "one", "two"))
        hold(project, *make_shop(f"h{number}x"))
        assert rows
    Membership.objects.create(
        project=project, user=make_user("o", reads_everything=False), role="owner"
    )
    renew()
    administrator.get(LIST)
    with django_assert_max_num_queries(24):
        administrator.get(LIST)
    with django_assert_max_num_queries(30):
        administrator.get("/projects/held/resources/")
    with django_assert_max_num_queries(50):
        administrator.get("/projects/held/resources/", {"q": "x"})
