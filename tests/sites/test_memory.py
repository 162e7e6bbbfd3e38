"""Answers with a tag are remembered: encrypted, for these credentials, while there is room."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from apps.sites import memory as module
from apps.sites.answers import Answer
from apps.sites.memory import SiteMemory, trim
from apps.sites.models import Remembered
from apps.sites.purge import announce, purge
from tests.flown import queued  # noqa: F401 - nothing runs by itself
from tests.sites.people import jira_site

pytestmark = pytest.mark.django_db
ANSWER = Answer(
    200,
    {"etag": 'W/"1"', "link": '<https://x/2>; rel="next"', "x-ratelimit-remaining": "4"},
    [{"name": "shop", "secret": "PLANTED-SECRET"}],
    "https://example.com/repos",
)


def test_an_answer_comes_back_as_it_was():
    site = jira_site()
    SiteMemory(site.pk, 1).keep("asked", ANSWER)
    again = SiteMemory(site.pk, 1).recall("asked")
    assert (again.status, again.body, again.url) == (200, ANSWER.body, ANSWER.url)
    assert again.etag == 'W/"1"'
    assert again.headers["link"].endswith('rel="next"')
    # How the quota stood then says nothing of now.
    assert "x-ratelimit-remaining" not in again.headers
    assert SiteMemory(site.pk, 1).recall("asked otherwise") is None


def test_a_newer_answer_takes_the_place():
    site = jira_site()
    SiteMemory(site.pk, 1).keep("asked", ANSWER)
    SiteMemory(site.pk, 1).keep("asked", Answer(200, {"etag": '"2"'}, [2]))
    assert SiteMemory(site.pk, 1).recall("asked").body == [2]
    assert Remembered.objects.count() == 1


def test_other_credentials_are_not_told_what_these_were():
    site = jira_site()
    SiteMemory(site.pk, 1).keep("asked", ANSWER)
    assert SiteMemory(site.pk, 2).recall("asked") is None
    assert SiteMemory(jira_site(name="Other").pk, 1).recall("asked") is None


def test_nothing_of_it_can_be_read_in_the_database():
    SiteMemory(jira_site().pk, 1).keep("asked", ANSWER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sites_remembered")
        kept = repr(cursor.fetchall())
    assert "PLANTED" not in kept
    assert "shop" not in kept


def test_what_cannot_be_decrypted_any_more_is_asked_for_anew(settings):
    site = jira_site()
    SiteMemory(site.pk, 1).keep("asked", ANSWER)
    settings.FIELD_KEYS = ["fUyqE1CZ7wLZ0xCqJxj6cX8m2PmMZl0E7R9LOUcGzQk="]
    assert SiteMemory(site.pk, 1).recall("asked") is None
    assert not Remembered.objects.exists()


def test_what_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(module, "MOST_OF_ONE", 100)
    site = jira_site()
    SiteMemory(site.pk, 1).keep("asked", Answer(200, {"etag": "e"}, ["x" * 5_000, *range(900)]))
    SiteMemory(site.pk, 1).keep("long", Answer(200, {"etag": "e" * 300}, 1))
    assert not Remembered.objects.exists()


def test_what_was_not_used_for_longest_makes_room(monkeypatch):
    site, other = jira_site(), jira_site(name="Other")
    for number in range(20):
        SiteMemory(site.pk, 1).keep(f"asked {number}", ANSWER)
        Remembered.objects.filter(used_at__gte=now() - timedelta(hours=1)).update(
            used_at=now() - timedelta(days=number + 1)
        )
    SiteMemory(other.pk, 1).keep("asked", ANSWER)
    size = Remembered.objects.first().size
    monkeypatch.setattr(module, "MOST_BYTES", size * 10)
    assert trim(site.pk) == 11
    assert Remembered.objects.filter(site=other).count() == 1
    assert SiteMemory(site.pk, 1).recall("asked 0") is not None
    assert SiteMemory(site.pk, 1).recall("asked 19") is None
    # Who is asked for is used: it stays longer.
    assert Remembered.objects.filter(used_at__gte=now() - timedelta(minutes=1)).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_site_that_was_removed_meanwhile_is_no_crash():
    site = jira_site()
    memory = SiteMemory(site.pk, 1)
    announce(site, by="administrator")
    purge(site.pk)
    memory.keep("asked", ANSWER)
    assert memory.recall("asked") is None
