"""The door's housekeeping."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.timezone import now

from apps.people.models import SignInLink
from apps.people.tasks import housekeeping
from tests.people.making import make_user

pytestmark = pytest.mark.django_db


def test_sessions_that_ended_and_links_of_long_ago_are_forgotten_and_no_other() -> None:
    here, away = Client(), Client()
    user = make_user()
    here.force_login(user)
    away.force_login(user)
    Session.objects.filter(pk=away.session.session_key).update(
        expire_date=now() - timedelta(days=1)
    )
    for name, age in (("old", timedelta(days=8)), ("young", timedelta(days=6))):
        SignInLink.objects.create(token_hash=name, user=user, expires_at=now() - age)
    housekeeping()
    assert list(Session.objects.values_list("pk", flat=True)) == [here.session.session_key]
    assert list(SignInLink.objects.values_list("token_hash", flat=True)) == ["young"]
