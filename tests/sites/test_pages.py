"""Connecting sites on pages: what is entered is tested by a worker, stored sealed, shown never."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.issues.models import Issue, Tracker
from apps.jira import panel
from apps.jira.searching import forget_fields
from apps.mirror.models import Change, Operation, Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.sealed import reveal
from apps.sites import opening, trial
from apps.sites.answers import Answer
from apps.sites.kinds import SITES
from apps.sites.models import Remembered, Site
from apps.sites.purge import purge
from tests.aws.people import administrator, staff, stranger, viewer  # noqa: F401
from tests.jira.test_sweep import sweep
from tests.sites.flight import Said, SiteFlight
from tests.sites.people import CLOUD_URL, SELECTION, fly, jira_site  # noqa: F401

SECRET = "ATATT-never-shown"
FULL = Path(__file__).parent.parent / "jira" / "flights" / "full"
ENTERED = {
    "name": "Shop's Jira",
    "method": "cloud",
    "base_url": CLOUD_URL,
    "user": "reader@example.com",
    "secret": SECRET,
    "chosen_projects": "shop\n",
    "chosen_queries": "Overdue = duedate < now() AND resolution = EMPTY",
    "do": "save",
}


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names lead somewhere on the internet, though nobody asks there."""
    cache.clear()
    forget_fields()
    monkeypatch.setattr("apps.sites.addresses.resolve", lambda _host, _port: ["93.184.215.14"])


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What was handed to workers; none of it is done."""
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def enqueue(task: Any, args: Any = (), kwargs: Any = None, **_options: Any) -> None:
        asked.append((task.name, tuple(args)))

    monkeypatch.setattr(Task, "apply_async", enqueue)
    return asked


@pytest.fixture
def flight(monkeypatch: pytest.MonkeyPatch) -> SiteFlight:
    """Every wire that is opened leads to the full flights."""
    flown = SiteFlight("jira", CLOUD_URL, "cloud", SELECTION).load(FULL)
    plain = opening.wire_of

    def wire_of(site: Site) -> Any:
        wire: Any = plain(site)
        flown.mount(wire.session)
        return wire

    monkeypatch.setattr(opening, "wire_of", wire_of)
    return flown


def html_of(response: Any) -> str:
    return unescape(response.content.decode())


def paths(site: Site) -> list[tuple[str, str]]:
    token = trial.begin(trial.Draft(name="x", provider="jira", given=_given()), user_id=0)
    return [
        ("get", reverse("sites:sites")),
        ("get", reverse("sites:connect", args=["jira"])),
        ("post", reverse("sites:connect", args=["jira"])),
        ("get", reverse("sites:site", args=[site.pk])),
        ("get", reverse("sites:edit", args=[site.pk])),
        ("post", reverse("sites:test", args=[site.pk])),
        ("post", reverse("sites:sweep", args=[site.pk])),
        ("post", reverse("sites:webhook", args=[site.pk])),
        ("get", reverse("sites:remove", args=[site.pk])),
        ("post", reverse("sites:remove", args=[site.pk])),
        ("get", reverse("sites:trial", args=[token])),
        ("post", reverse("sites:trial_save", args=[token])),
    ]


def _given() -> Any:
    return trial.Given(method="cloud", base_url=CLOUD_URL, selection=SELECTION)


@pytest.mark.django_db
def test_to_a_viewer_the_pages_do_not_exist(viewer, tasks):  # noqa: F811
    for method, path in paths(jira_site()):
        assert getattr(viewer, method)(path).status_code == 404, path


@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in(stranger, tasks):  # noqa: F811
    for method, path in paths(jira_site()):
        response = getattr(stranger, method)(path)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.django_db
def test_a_site_is_saved_without_a_test_and_its_token_is_nowhere(staff, tasks):  # noqa: F811
    response = staff.post(reverse("sites:connect", args=["jira"]), ENTERED)
    site = Site.objects.get()
    assert response["Location"] == reverse("sites:site", args=[site.pk])
    assert (site.base_url, site.method, site.may_write) == (CLOUD_URL, "cloud", False)
    assert site.selection == {
        "projects": ["SHOP"],
        "queries": [{"name": "Overdue", "jql": "duedate < now() AND resolution = EMPTY"}],
    }
    scope = site.scope
    assert (scope.provider, scope.place) == ("jira", f"example.atlassian.net/{site.pk}")
    assert (scope.account, scope.region, scope.enabled) == ("example.atlassian.net", "", True)
    assert sorted(scope.sweeps.values_list("kind", flat=True)) == ["jira.issue", "jira.tracker"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sites_site")
        assert SECRET not in repr(cursor.fetchall())
    for path in ("site", "edit"):
        page = html_of(staff.get(reverse(f"sites:{path}", args=[site.pk])))
        assert SECRET not in page
    assert SECRET not in html_of(staff.get(reverse("sites:sites")))


WRONG = [
    ({"name": ""}, "Give the site a name."),
    ({"base_url": ""}, "Give the site's address."),
    ({"base_url": "example.atlassian.net"}, "An address begins with https://"),
    ({"base_url": "http://example.atlassian.net"}, "The token would go over the network"),
    ({"base_url": "https://a:b@example.atlassian.net"}, "Leave user and password out"),
    ({"base_url": "https://example.atlassian.net/?a=1"}, "leave ? and # out"),
    ({"secret": ""}, "Jira Cloud needs this."),
    ({"user": ""}, "Jira Cloud needs this."),
    ({"secret": f"{SECRET}\r\nX-Other: 1"}, "that no token has. Copy it once more"),
    ({"secret": f"{SECRET}ä"}, "that no token has. Copy it once more"),
    ({"chosen_projects": "no key!"}, "no key! is no project's key. It looks like SHOP."),
    ({"chosen_queries": "no sign"}, "Write a name, = and what is meant: no sign"),
    ({"chosen_queries": "Empty ="}, "A query needs its JQL behind the = sign."),
    ({"chosen_queries": "SHOP = project = SHOP"}, "SHOP looks like a project's key."),
    ({"chosen_queries": f"Long = {'x' * 2001}"}, "2000 fit"),
    ({"chosen_projects": "", "chosen_queries": ""}, "Say what is to be read of it."),
    ({"chosen_projects": "\n".join(f"P{n}" for n in range(300))}, "200 of them at most."),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("entered", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_said_with_what_to_do(staff, tasks, entered, said):  # noqa: F811
    response = staff.post(reverse("sites:connect", args=["jira"]), {**ENTERED, **entered})
    assert response.status_code == 422
    page = html_of(response)
    assert said in page
    assert SECRET not in page
    assert not Site.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "fd00::1"])
def test_a_name_that_leads_inside_is_refused(staff, tasks, monkeypatch, address):  # noqa: F811
    monkeypatch.setattr("apps.sites.addresses.resolve", lambda _host, _port: [address])
    response = staff.post(reverse("sites:connect", args=["jira"]), ENTERED)
    assert response.status_code == 422
    assert "an address inside a network" in html_of(response)


@pytest.mark.django_db
def test_a_data_center_needs_no_user(staff, tasks):  # noqa: F811
    entered = {**ENTERED, "method": "pat", "user": "", "base_url": "https://jira.example.com/jira/"}
    staff.post(reverse("sites:connect", args=["jira"]), entered)
    site = Site.objects.get()
    assert (site.base_url, site.host) == ("https://jira.example.com/jira", "jira.example.com")


@pytest.mark.django_db
def test_the_page_asks_a_worker_and_the_report_says_what_may_be_read(staff, tasks, flight):  # noqa: F811
    entered = {**ENTERED, "chosen_queries": "Nobody's = project = NOBODY", "do": "test"}
    entered["chosen_projects"] = "SHOP\nLEGACY"
    response = staff.post(reverse("sites:connect", args=["jira"]), entered)
    ((name, (token,)),) = tasks
    assert (name, response["Location"]) == ("sites.trial", reverse("sites:trial", args=[token]))
    assert "Waiting for a worker" in html_of(staff.get(response["Location"]))
    assert not flight.asked
    trial.run(token)
    page = html_of(staff.get(response["Location"]))
    assert "checkout-developer (reader@example.com)" in page
    assert "Cloud 1001.0.0-SNAPSHOT" in page
    assert (
        "Shop: issues may be read. Where writing is allowed, it may create issues, comment" in page
    )
    assert "It may not assign." in page
    assert "No project could be found with key 'LEGACY'." in page
    rejected = "Jira rejects this JQL: The value 'NOBODY' does not exist for the field 'project'."
    assert rejected in page
    assert "2 of what is to be read are in trouble" in page
    assert SECRET not in page
    # And at the form, beside the field that it is about.
    form = html_of(staff.get(f"{reverse('sites:connect', args=['jira'])}?from={token}"))
    field = form.partition('id="id_chosen_queries"')[2]
    assert rejected in field.partition("</form>")[0]
    assert "Nobody's = project = NOBODY" in form
    assert SECRET not in form
    # Saved all the same: the health page goes on telling it.
    saved = staff.post(reverse("sites:trial_save", args=[token]))
    site = Site.objects.get()
    assert saved["Location"] == reverse("sites:site", args=[site.pk])
    assert site.selection["projects"] == ["SHOP", "LEGACY"]
    assert trial.draft_of(token) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "heading", "told"),
    [
        (
            Said({"errorMessages": ["Unauthorized"]}, 401),
            "Jira does not take the token.",
            "this one is wrong, has expired or was revoked",
        ),
        (
            Said({}, 200, {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}),
            "Jira does not take the token.",
            "Sign in to Jira as this user",
        ),
        (
            Said.page(),
            "Jira did not say who we are.",
            "a proxy or a login page answers there",
        ),
        (
            Said({}, 302, {"Location": "https://login.example.net/"}),
            "Jira did not say who we are.",
            "its credentials go nowhere else",
        ),
    ],
)
def test_a_site_that_refuses_says_so_with_the_cure(
    staff,  # noqa: F811
    tasks,
    flight,
    answer,
    heading,
    told,
):
    flight.on("jira:GetMyself", answer)
    staff.post(reverse("sites:connect", args=["jira"]), {**ENTERED, "do": "test"})
    ((_, (token,)),) = tasks
    trial.run(token)
    page = html_of(staff.get(reverse("sites:trial", args=[token])))
    assert told in page
    assert heading in page
    assert "Save all the same" in page


@pytest.mark.django_db
def test_a_test_belongs_to_who_began_it(staff, administrator, tasks):  # noqa: F811
    staff.post(reverse("sites:connect", args=["jira"]), {**ENTERED, "do": "test"})
    ((_, (token,)),) = tasks
    assert administrator.get(reverse("sites:trial", args=[token])).status_code == 302
    assert administrator.post(reverse("sites:trial_save", args=[token]))["Location"] == "/sites/"
    assert not Site.objects.exists()


@pytest.mark.django_db
def test_a_stored_site_is_tested_as_it_is_and_goes_on(staff, tasks, flight):  # noqa: F811
    site = jira_site()
    Site.objects.filter(pk=site.pk).update(identity_error="Unauthorized", identity_cure="x")
    staff.post(reverse("sites:test", args=[site.pk]))
    ((_, (token,)),) = tasks
    trial.run(token)
    site.refresh_from_db()
    assert site.identity == "checkout-developer (reader@example.com)"
    assert site.identity_error == ""
    # The secret that is stored was used.
    assert flight.sent[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.django_db
def test_editing_keeps_the_secret_unless_another_is_entered(staff, tasks):  # noqa: F811
    site = jira_site()
    Remembered.objects.create(site=site, name="x", etag="e", told="", size=0)
    site.refresh_from_db()
    sealed, path = site.secret, reverse("sites:edit", args=[site.pk])
    Site.objects.filter(pk=site.pk).update(identified_at=site.created_at)
    staff.post(path, {**ENTERED, "secret": "", "base_url": "https://elsewhere.example.com"})
    site.refresh_from_db()
    # The address stays: rows of two sites must never mix.
    assert (site.base_url, site.secret) == (CLOUD_URL, sealed)
    assert site.selection["projects"] == ["SHOP"]
    assert site.identified_at is not None
    assert Remembered.objects.exists()
    staff.post(path, {**ENTERED, "may_write": "on"})
    edition = site.edition
    site.refresh_from_db()
    assert site.secret != sealed
    assert (site.may_write, site.identified_at, site.edition) == (True, None, edition + 1)
    # What the old credentials were told is forgotten.
    assert not Remembered.objects.exists()


CLIENT = "client-secret-never-shown"
OF_CLIENT = {"client_id": "client-1", "client_secret": CLIENT}


@pytest.mark.django_db
def test_client_credentials_are_kept_sealed_masked_and_removable(staff, tasks):  # noqa: F811
    staff.post(reverse("sites:connect", args=["jira"]), {**ENTERED, **OF_CLIENT})
    site = Site.objects.get()
    assert (site.client_id, site.has_client, str(site.client_secret)) == ("client-1", True, "****")
    assert reveal(site.client_secret) == CLIENT
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sites_site")
        assert CLIENT not in repr(cursor.fetchall())
    edit = reverse("sites:edit", args=[site.pk])
    for path in (reverse("sites:site", args=[site.pk]), edit, reverse("sites:sites")):
        assert CLIENT not in html_of(staff.get(path))
    assert "client-1" in html_of(staff.get(edit))
    sealed = site.client_secret
    # Left empty, the secret stays; it is no token's business.
    edition = site.edition
    staff.post(edit, {**ENTERED, "secret": "", "client_id": "client-1", "client_secret": ""})
    site.refresh_from_db()
    assert (site.client_secret, site.edition) == (sealed, edition)
    # Another client has another secret.
    other = staff.post(edit, {**ENTERED, "client_id": "client-2", "client_secret": ""})
    assert other.status_code == 422
    assert "Enter the one that belongs to it." in html_of(other)
    staff.post(edit, {**ENTERED, "client_id": "client-2", "client_secret": "another"})
    site.refresh_from_db()
    assert (site.client_id, reveal(site.client_secret)) == ("client-2", "another")
    staff.post(edit, {**ENTERED, "client_id": "", "client_secret": ""})
    site.refresh_from_db()
    assert (site.client_id, site.client_secret, site.has_client) == ("", "", False)


@pytest.mark.django_db
def test_a_client_secret_belongs_to_a_client_id(staff, tasks):  # noqa: F811
    entered = {**ENTERED, "client_secret": CLIENT}
    response = staff.post(reverse("sites:connect", args=["jira"]), entered)
    assert response.status_code == 422
    assert "OAuth client secret is given without this." in html_of(response)
    assert CLIENT not in html_of(response)


@pytest.mark.django_db
def test_a_data_center_has_no_client_credentials(staff, tasks):  # noqa: F811
    staff.post(reverse("sites:connect", args=["jira"]), {**ENTERED, **OF_CLIENT})
    site = Site.objects.get()
    edit = reverse("sites:edit", args=[site.pk])
    staff.post(edit, {**ENTERED, **OF_CLIENT, "method": "pat"})
    site.refresh_from_db()
    assert (site.method, site.client_id, site.client_secret) == ("pat", "", "")


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [True, False])
def test_the_report_says_whether_the_panels_credentials_work(
    staff,  # noqa: F811
    tasks,
    flight,
    monkeypatch,
    stored,
):
    used: list[Any] = []

    def exchange(wire: Any, _verb: str, _url: str, **_more: Any) -> Answer:
        used.append(wire._access)
        body = {"error": "access_denied", "error_description": "Unauthorized"}
        url = "https://api.atlassian.com/oauth/token"
        return Answer(status=401, body=body, url=url)

    monkeypatch.setattr(panel.ClientWire, "send", exchange)
    monkeypatch.setattr(panel, "cloud_id_of", lambda _site: "a-cloud-id")
    if stored:
        site = jira_site(client_id="client-1", client_secret=CLIENT)
        staff.post(reverse("sites:test", args=[site.pk]))
    else:
        path = reverse("sites:connect", args=["jira"])
        staff.post(path, {**ENTERED, **OF_CLIENT, "do": "test"})
    ((_, (token,)),) = tasks
    report = trial.run(token)
    assert report is not None
    [line] = [line for line in report.lines if line.what == "Deployments panel"]
    assert line.told == "Jira does not accept the client id and secret: Unauthorized."
    [access] = used
    assert (access.user, access.secret, access.guarded) == ("client-1", CLIENT, True)
    assert CLIENT not in repr(access)
    page = html_of(staff.get(reverse("sites:trial", args=[token])))
    assert line.told in page
    assert CLIENT not in page
    assert report.total == len(report.lines)


@pytest.mark.django_db
def test_stopping_and_going_on(staff, tasks):  # noqa: F811
    site = jira_site()
    path = reverse("sites:sweep", args=[site.pk])
    staff.post(path, {"on": "no"})
    scope = Scope.objects.get(pk=site.scope_id)
    assert (scope.enabled, scope.paused) == (False, True)
    assert "Not swept" in html_of(staff.get(reverse("sites:site", args=[site.pk])))
    staff.post(path, {"on": "yes"})
    scope.refresh_from_db()
    assert (scope.enabled, scope.paused) == (True, False)


@pytest.mark.django_db
def test_the_webhooks_secret_is_shown_once(staff, tasks):  # noqa: F811
    site = jira_site()
    page = reverse("sites:site", args=[site.pk])
    before = html_of(staff.get(page))
    assert f"/hooks/jira/{site.pk}/" in before
    assert 'id="hook-secret"' not in before
    shown = html_of(staff.post(reverse("sites:webhook", args=[site.pk])))
    secret = re.search(r'id="hook-secret"[^>]*>([^<]+)<', shown)
    assert secret
    assert len(secret[1]) > 30
    assert secret[1] not in html_of(staff.get(page))
    assert secret[1] not in html_of(staff.post(reverse("sites:webhook", args=[site.pk])))


@pytest.mark.django_db
def test_removing_says_what_is_lost_and_deletes_it(staff, tasks, fly):  # noqa: F811
    site, other = jira_site(), jira_site(name="Other")
    fly(SiteFlight("jira", CLOUD_URL, "cloud", SELECTION).load(FULL))
    sweep(site.scope)
    sweep(other.scope)
    path = reverse("sites:remove", args=[site.pk])
    assert "4 Jira trackers, 4 issues" in html_of(staff.get(path))
    wrong = staff.post(path, {"how": "purge", "name": "Another"})
    assert "Type the name exactly" in html_of(wrong)
    staff.post(path, {"how": "purge", "name": "Shop's Jira"})
    assert tasks[-1] == ("sites.purge", (site.pk,))
    assert Scope.objects.get(pk=site.scope_id).parked
    assert staff.get(reverse("sites:edit", args=[site.pk])).status_code == 404
    assert purge(site.pk) == 8
    assert not Site.objects.filter(pk=site.pk).exists()
    for model in (Tracker, Issue, Change, Operation, Sweep):
        assert not model.objects.filter(scope_id=site.scope_id).exists()
    assert Issue.objects.filter(scope=other.scope).count() == 4
    # Asked again, or of one that nobody removed: nothing.
    assert purge(site.pk) == 0
    assert purge(other.pk) == 0


@pytest.mark.django_db
def test_the_list_says_how_each_fares_in_a_constant_number_of_queries(staff, tasks):  # noqa: F811
    def told() -> tuple[int, str]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = html_of(staff.get(reverse("sites:sites")))
        return len(queries), page

    first = jira_site()
    staff.get(reverse("sites:sites"))
    assert "first sweep" in told()[1].lower()
    Operation.objects.create(
        scope=first.scope, kind="jira.tracker", operation="jira:GetProject",
        health=Health.CREDENTIALS, code="HTTP401", error="no", cure="Give it a new token.",
    )  # fmt: skip
    few, _page = told()
    for number in range(5):
        jira_site(name=f"Jira {number}")
    many, page = told()
    assert many == few
    assert "1 in trouble" in page
    assert "Give it a new token." in page


@pytest.mark.django_db
def test_health_shows_a_scope_without_a_region(staff, tasks):  # noqa: F811
    site = jira_site()
    page = html_of(staff.get(reverse("dashboard:health")))
    card = page.partition(f'id="scope-{site.scope_id}"')[2].partition("</section>")[0]
    assert "Shop's Jira" in card
    assert '<span class="chip">example.atlassian.net</span>' in card
    assert '<span class="chip"></span>' not in card
    assert "Jira trackers" in card


@pytest.mark.django_db
def test_names_of_others_are_shown_as_text(staff, tasks):  # noqa: F811
    site = jira_site(name="<script>alert(1)</script>")
    for path in ("site", "edit", "remove"):
        response = staff.get(reverse(f"sites:{path}", args=[site.pk]))
        assert b"<script>alert" not in response.content
    assert b"<script>alert" not in staff.get(reverse("sites:sites")).content


def test_pages_belong_to_kinds_that_there_are(db, staff):  # noqa: F811
    assert staff.get(reverse("sites:connect", args=["gitea"])).status_code == 404


@pytest.mark.django_db
def test_every_secret_that_is_entered_is_left_out_of_error_reports(staff, tasks):  # noqa: F811
    response = staff.post(reverse("sites:connect", args=["jira"]), ENTERED)
    hidden = set(response.wsgi_request.sensitive_post_parameters)
    methods = [method for kind in SITES for method in kind.methods]
    assert {one.name for method in methods for one in method.fields if one.secret} <= hidden
