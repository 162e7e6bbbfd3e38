"""Who connected a site, what they changed of it and that it was removed is kept, and no secret."""

from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.audit.models import Record
from apps.sites.connect import change, connect
from apps.sites.forms import given_of
from apps.sites.models import Site
from tests.aws.people import administrator, staff  # noqa: F401
from tests.sites.people import jira_site
from tests.sites.test_pages import ENTERED, SECRET, tasks  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr("apps.sites.addresses.resolve", lambda _host, _port: ["93.184.215.14"])


def told() -> list[tuple[str, str]]:
    rows = Record.objects.about("site").order_by("pk")
    return [(one.who_name, one.told) for one in rows]


def test_what_a_person_does_to_a_site_is_recorded(staff: Any, tasks: Any):  # noqa: F811
    staff.post(reverse("sites:connect", args=["jira"]), ENTERED)
    site = Site.objects.get()
    by = Record.objects.get().who_name
    edit = reverse("sites:edit", args=[site.pk])
    kept = {**ENTERED, "secret": ""}
    staff.post(edit, kept)
    staff.post(edit, {**kept, "may_write": "on", "chosen_projects": "shop\nops"})
    staff.post(edit, {**kept, "chosen_projects": "shop\nops", "secret": "another-never-shown"})
    staff.post(edit, {**kept, "name": "Ours", "chosen_projects": "shop\nops"})
    sweep = reverse("sites:sweep", args=[site.pk])
    for on in ("no", "no", "yes", "yes"):
        staff.post(sweep, {"on": on})
    secret = staff.post(reverse("sites:webhook", args=[site.pk])).context["hook_secret"]
    staff.post(reverse("sites:remove", args=[site.pk]), {"how": "purge", "name": "Ours"})
    assert [what for who, what in told() if who == by] == [
        "connected the site: Jira at example.atlassian.net",
        "changed of the site: what is read, people here may write to it",
        "changed of the site: credentials, people here may not write to it",
        "renamed the site to Ours",
        "stopped sweeping the site",
        "let the site be swept again",
        "gave the site's webhooks a new secret",
        "removed the site with all that was read",
    ]
    assert len(told()) == 8
    kept_rows = repr([one.__dict__ for one in Record.objects.all()])
    for hidden in (SECRET, "another-never-shown", secret):
        assert hidden not in kept_rows


def test_administrators_read_it_among_what_was_done(administrator: Any):  # noqa: F811
    site = Site.objects.get(pk=jira_site().pk)
    change(site, given_of(site), by="nobody")
    page = administrator.get(reverse("projects:deeds"), {"about": "site"})
    assert "connected the site: Jira at example.atlassian.net" in page.text
    assert page.text.count("happened-line") == 1


def test_what_was_not_done_is_not_recorded(monkeypatch: pytest.MonkeyPatch):
    """It is one transaction."""

    def breaks(_site: Site) -> None:
        raise RuntimeError

    site = jira_site()
    monkeypatch.setattr("apps.sites.connect.settle", breaks)
    given = given_of(site)
    given.may_write = True
    with pytest.raises(RuntimeError):
        change(site, given, by="ada")
    with pytest.raises(RuntimeError):
        connect(provider="jira", name="Other", given=given, by="ada")
    assert [who for who, _ in told()] == ["make up"]
    assert not Site.objects.get(pk=site.pk).may_write
