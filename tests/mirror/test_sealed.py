"""Secrets are encrypted in the database, with keys that can be rotated."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from apps.aws.models import Account
from apps.mirror.sealed import reveal

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN"


def _stored() -> Account:
    account = Account.objects.create(
        name="production",
        method=Account.Method.KEYS,
        access_key_id="AKIDEXAMPLE",
        secret_access_key=SECRET,
        session_token=TOKEN,
    )
    return Account.objects.get(pk=account.pk)


def _columns() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM aws_account")
        return repr(cursor.fetchall())


@pytest.mark.sql
@pytest.mark.django_db
def test_no_column_holds_a_secret_in_plain_text() -> None:
    _stored()
    assert "AKIDEXAMPLE" in _columns()
    assert SECRET not in _columns()
    assert TOKEN not in _columns()


@pytest.mark.django_db
def test_a_secret_that_was_read_prints_as_stars_and_can_be_revealed() -> None:
    account = _stored()
    assert str(account.secret_access_key) == "****"
    assert SECRET not in repr(account.__dict__)
    assert reveal(account.secret_access_key) == SECRET


@pytest.mark.django_db
def test_saving_what_was_read_keeps_the_secret_as_it_was() -> None:
    account = _stored()
    before = _columns()
    account.save()
    assert _columns() == before


@pytest.mark.django_db
def test_an_empty_secret_stays_empty() -> None:
    account = Account.objects.create(name="ambient", method=Account.Method.AMBIENT)
    assert Account.objects.get(pk=account.pk).secret_access_key == ""


@pytest.mark.django_db
def test_a_new_key_in_front_of_the_old_one_reads_what_the_old_one_wrote(settings: Any) -> None:
    account = _stored()
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    assert reveal(account.secret_access_key) == SECRET
    account.session_token = "another"
    account.save()
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert reveal(Account.objects.get().session_token) == "another"


@pytest.mark.django_db
def test_a_lost_key_says_what_to_do(settings: Any) -> None:
    account = _stored()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ImproperlyConfigured, match="put the old key back"):
        reveal(account.secret_access_key)


@pytest.mark.django_db
def test_the_stamp_of_an_account_changes_with_its_secret_and_with_nothing_else() -> None:
    account = _stored()
    before = account.stamp
    account.name = "renamed"
    assert account.stamp == before
    account.secret_access_key = "another"
    assert account.stamp != before
