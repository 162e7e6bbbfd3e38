import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from apps.codebuild.models import Project
from apps.ec2.models import TargetGroup
from apps.ecs.models import Cluster
from apps.mirror.resource import REGISTER
from tests.factories import make_build, make_running_pipeline, make_scope, make_user

pytestmark = pytest.mark.django_db


def test_the_navigation_follows_the_installed_services(signed_in: Client) -> None:
    html = signed_in.get("/").content.decode()
    links = re.findall(r'<a href="([^"]*)" data-key="(.)"[^>]*>(\w*)', html)
    assert links == [
        ("/", "p", "Pipelines"),
        ("/projects/", "r", "Projects"),
        ("/source/", "s", "Source"),
        ("/issues/", "i", "Issues"),
        ("/codebuild/builds/", "b", "Builds"),
        ("/running/", "d", "Deployments"),
        ("/cloudformation/", "n", "Infrastructure"),
        ("/cloudwatch/", "m", "Monitoring"),
        ("/health/", "h", "Health"),
    ]


def test_a_face_names_its_lists_and_the_one_that_one_is_in(signed_in: Client) -> None:
    build = make_build("orders")
    for path in ("/codebuild/builds/", build.get_absolute_url()):
        html = signed_in.get(path).content.decode()
        bar = re.search(
            r'<nav class="wrap subnav" aria-label="Builds">(.*?)</nav>', html, re.DOTALL
        )
        assert bar
        assert re.findall(r'href="([^"]*)"( aria-current="page")?', bar[1]) == [
            ("/codebuild/builds/", ' aria-current="page"'),
            ("/codebuild/", ""),
        ]
    assert "subnav" not in signed_in.get("/health/").content.decode()


def lists_of(client: Client, path: str) -> list[tuple[str, str]]:
    html = client.get(path).content.decode()
    _, _, bar = html.partition('<nav class="wrap subnav"')
    return re.findall(r'<a href="[^"]*"( aria-current="page")?>([^<]*)', bar.partition("</nav>")[0])


def test_what_people_come_for_stands_first_among_the_lists_of_a_face(signed_in: Client) -> None:
    for path, first in (
        ("/codedeploy/", "What runs where"),
        ("/codebuild/", "Builds"),
        ("/cloudwatch/", "Alarms"),
        ("/source/", "Repositories"),
    ):
        assert lists_of(signed_in, path)[0][1] == first
    page = signed_in.get("/beanstalk/").content.decode()
    assert page.index('<a href="/beanstalk/"') < page.index('<a href="/beanstalk/applications/"')


def test_what_has_no_list_of_its_own_marks_the_nearest(signed_in: Client) -> None:
    scope = make_scope()
    project = Project.objects.create(scope=scope, key="orders")
    group = TargetGroup.objects.create(scope=scope, key="orders")
    cluster = Cluster.objects.create(scope=scope, key="orders")
    for path, label in (
        (f"/cloudwatch/metrics/of/codebuild.project/{project.pk}/", "Metrics"),
        (group.get_absolute_url(), "Load balancers"),
        (cluster.get_absolute_url(), "Services"),
    ):
        assert [said for current, said in lists_of(signed_in, path) if current] == [label]


def test_a_phone_has_room_for_some_and_the_rest_behind_more(signed_in: Client) -> None:
    html = signed_in.get("/health/").content.decode()
    tabs = re.search(r'<nav class="tabs"(.*?)</nav>', html, re.DOTALL)
    assert tabs
    shown, _, behind = tabs[1].partition('<details class="more">')
    assert re.findall(r'href="([^"]*)"', shown) == [
        "/",
        "/projects/",
        "/codebuild/builds/",
        "/running/",
    ]
    assert re.findall(r'href="([^"]*)"', behind) == [
        "/source/",
        "/issues/",
        "/cloudformation/",
        "/cloudwatch/",
        "/health/",
    ]
    assert 'class="current"' in behind


def test_accounts_are_for_staff(client: Client) -> None:
    client.force_login(make_user("owner", staff=True))
    assert 'href="/aws/accounts/" data-key="a"' in client.get("/").content.decode()


def test_the_page_one_is_on_is_marked_once_in_each_navigation(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    for path, label in (("/health/", "Health"), (pipeline.get_absolute_url(), "Pipelines")):
        html = signed_in.get(path).content.decode()
        bar = re.search(r'<nav aria-label="Main">(.*?)</nav>', html, re.DOTALL)
        assert bar
        assert re.findall(r'aria-current="page">(\w*)', bar[1]) == [label]


def test_every_page_says_beside_health_how_much_has_to_be_cured(
    signed_in: Client, queries: Callable[[str], int]
) -> None:
    pipeline, build = make_running_pipeline("orders"), make_build()
    paths = ["/", "/health/", pipeline.get_absolute_url(), build.get_absolute_url()]
    for path in paths:
        html = signed_in.get(path).content.decode()
        assert len(re.findall(r'<span class="troubles"[^>]* hidden>', html)) == 2, path
    few = queries("/health/")
    operations = pipeline.scope.operations
    for kind in ("codepipeline.pipeline", "codepipeline.stage"):
        call = REGISTER.get(kind).calls[0]
        operations.update_or_create(kind=kind, operation=call, defaults={"health": "denied"})
    for path in [*paths, "/no/such/page"]:
        html = signed_in.get(path).content.decode()
        told = re.findall(r'<span class="troubles"([^>]*)>(\d+)<span class="vh">([^<]*)<', html)
        assert [(number, words) for _, number, words in told] == [("1", " trouble")] * 2, path
        assert not any(" hidden" in attributes for attributes, _, _ in told), path
    part = signed_in.get("/health/?part=troubles").content.decode()
    assert re.findall(r'id="(troubles[a-z-]*)"[^>]*>(\d+)<', part) == [
        ("troubles", "1"),
        ("troubles-tab", "1"),
    ]
    assert queries("/health/") == few


def test_a_stranger_hears_of_no_trouble(client: Client) -> None:
    assert "troubles" not in client.get("/accounts/login/").content.decode()


def test_sign_in_page_offers_no_sign_up(client: Client) -> None:
    html = client.get("/accounts/login/").content.decode()
    # A plain `python` knows no Django here.
    assert "<code>.venv/bin/python manage.py sign_in_link USER</code>" in html
    assert "signup" not in html
    closed = client.get("/accounts/signup/").content.decode()
    assert "Accounts are made by an administrator" in closed
    assert "<code>.venv/bin/python manage.py add_user USER</code>" in closed
    client.post(
        "/accounts/signup/", {"username": "me", "password1": "sesame-77", "password2": "sesame-77"}
    )
    assert client.get("/health/").status_code == 302


def test_signing_in_and_out_by_password(client: Client) -> None:
    make_user("owner")
    wrong = client.post("/accounts/login/", {"login": "owner", "password": "wrong"})
    assert wrong.status_code == 200
    assert "not correct" in wrong.content.decode()
    right = client.post(
        "/accounts/login/?next=/health/", {"login": "owner", "password": "open sesame"}
    )
    assert (right.status_code, right["Location"]) == (302, "/health/")
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "password/reset/",
        "password/reset/done/",
        "password/reset/key/1-abc/",
        "email/",
        "confirm-email/",
        "login/code/",
        "login/code/confirm/",
    ],
)
@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger", "somebody"])
def test_nobody_gets_a_link_or_a_mail_from_the_doors_of_accounts(
    client: Client, capsys: pytest.CaptureFixture[str], path: str, signed_in: bool
) -> None:
    owner = make_user("owner")
    owner.email = "release-manager@example.com"
    owner.save()
    if signed_in:
        client.force_login(owner)
    for answer in (
        client.get(f"/accounts/{path}"),
        client.post(f"/accounts/{path}", {"email": owner.email, "action_add": ""}),
    ):
        assert answer.status_code == 404
    assert mail.outbox == []
    printed = capsys.readouterr()
    assert "/accounts/" not in printed.out + printed.err.replace(f"/accounts/{path}", "")


def test_who_came_in_by_a_link_chooses_a_first_password(client: Client) -> None:
    owner = make_user("owner")
    owner.set_unusable_password()
    owner.save()
    client.force_login(owner)
    page = client.get("/accounts/password/change/", follow=True)
    assert page.redirect_chain == [("/accounts/password/set/", 302)]
    assert page.status_code == 200
    html = page.content.decode()
    assert "<h1>Choose a password</h1>" in html
    assert ">The same password again</label>" in html
    assert "Set Password" not in html
    chosen = {"password1": "sesame-open-77", "password2": "sesame-open-77"}
    assert client.post("/accounts/password/set/", chosen).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("sesame-open-77")


def test_sign_in_offers_no_way_to_have_a_password_mailed(client: Client) -> None:
    assert "/accounts/password" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/password/change/",
        "/accounts/signup/",
        "/accounts/reauthenticate/",
        "/accounts/inactive/",
    ],
)
def test_every_page_of_accounts_wears_our_frame(client: Client, path: str) -> None:
    owner = make_user("owner")
    if path not in ("/accounts/login/", "/accounts/signup/"):
        client.force_login(owner)
    answer = client.get(path)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert 'class="card door' in html
    assert "CodeStar <b>Dash</b>" in html


def test_accounts_typed_by_hand_lead_to_what_there_is(client: Client) -> None:
    assert client.get("/accounts/")["Location"].startswith("/accounts/login/")
    client.force_login(make_user("developer"))
    assert client.get("/accounts/")["Location"] == "/"
    client.force_login(make_user("owner", staff=True))
    assert client.get("/accounts/")["Location"] == "/aws/accounts/"


def test_forms_of_accounts_speak_as_the_house_does(client: Client) -> None:
    assert ">User name or e-mail address</label>" in client.get("/accounts/login/").content.decode()
    client.force_login(make_user("owner"))
    html = client.get("/accounts/password/change/").content.decode()
    assert "<h1>Change the password</h1>" in html
    assert ">The new password again</label>" in html


def test_a_page_that_is_not_there_says_so_in_our_frame(signed_in: Client) -> None:
    answer = signed_in.get("/no/such/page")
    assert answer.status_code == 404
    assert "Look whether the address is mistyped." in answer.content.decode()


def test_a_broken_page_asks_the_database_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
) -> None:
    from django.test import RequestFactory

    from apps.dashboard import errors

    with django_assert_num_queries(0):
        answer = errors.broken(RequestFactory().get("/"))
        bad = errors.bad_request(RequestFactory().get("/"), exception=ValueError())
    assert (answer.status_code, bad.status_code) == (500, 400)
    assert "Something broke on our side" in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_our_frame() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x"})
    assert answer.status_code == 403
