"""The page of a function says which versions its aliases serve."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.db.models import F
from django.test import Client

from apps.awslambda.models import Alias, Function, Version
from apps.mirror.hints import follow_hints
from apps.mirror.models import Hint, Scope
from apps.mirror.provider import PROVIDERS
from tests.factories import make_user
from tests.flight import ACCOUNT, REGION, Fault, Flight, FlownProvider
from tests.simulated import kinds_of, mirrored, tried


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(make_user("platform-engineer"))
    return client


@pytest.fixture
def scope(db: None, full: Flight, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    for cache in caches.all():
        cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(full))
    yield mirrored(ACCOUNT, REGION, *kinds_of("awslambda"))
    for cache in caches.all():
        cache.clear()


def page_of(reader: Client, name: str) -> str:
    function = Function.objects.get(key=name)
    return str(reader.get(function.get_absolute_url()).content.decode())


def test_versions_are_listed_by_their_number_with_who_serves_them(scope: Scope, reader: Client):
    html = page_of(reader, "checkout-mail")
    assert [version.number for version in Version.objects.all()] == [7, 6]
    rows = html.partition('id="h-versions"')[2].partition("</table>")[0]
    seven = rows.partition('id="version-7"')[2].partition("</tr>")[0]
    assert "live · 10 %" in seven
    assert "Release 7" in seven
    alias = html.partition('id="alias-live"')[2].partition("</tr>")[0]
    assert "Shifting" in alias
    assert 'href="#version-6"' in alias
    assert "90 %" in alias


def test_a_list_tells_the_shares_and_why_one_failed(scope: Scope, reader: Client):
    html = reader.get("/awslambda/").content.decode()
    row = html.partition('class="name" href="/awslambda/functions/')[2].partition("</tr>")[0]
    assert "6 · 90 %" in row.replace("\n", "")
    assert "SubnetOutOfIPAddresses: Lambda was not able to set up VPC access" in row


def test_hostile_text_is_text(scope: Scope, reader: Client):
    evil = "<script>alert(1)</script>\x1b[31m"
    Function.objects.filter(key="checkout-mail").update(
        description=evil, last_update_status_reason=evil, aliases=[], environment=[evil]
    )
    Version.objects.update(description=evil)
    for html in (page_of(reader, "checkout-mail"), reader.get("/awslambda/").content.decode()):
        assert "<script>alert" not in html
        assert "\x1b" not in html


def test_what_lambda_lists_no_more_says_so(scope: Scope, reader: Client, full: Flight):
    full.on("lambda:ListFunctions", {"Functions": []})
    mirrored(ACCOUNT, REGION, "awslambda.function")
    assert "Lambda no longer lists this function" in page_of(reader, "checkout-mail")
    assert "checkout-mail" not in reader.get("/awslambda/").content.decode()


def test_who_calls_it_by_name_alone_gets_the_latest(scope: Scope, reader: Client):
    assert "<code>$LATEST</code>" in page_of(reader, "thumbnails")


def test_functions_are_found_by_name(scope: Scope, reader: Client):
    found: Any = reader.get("/search", {"q": "checkout-m"}).content.decode()
    assert "checkout-mail" in found


@pytest.mark.parametrize(
    ("operation", "kind", "model", "nothing"),
    [
        ("ListAliases", "awslambda.alias", Alias, "No alias:"),
        ("ListVersionsByFunction", "awslambda.version", Version, "No version was published yet."),
    ],
)
def test_what_may_not_be_read_is_not_told_as_none(
    scope: Scope, reader: Client, full: Flight, operation: str, kind: str, model: Any, nothing: str
):
    model.objects.all().delete()
    Function.objects.update(version=F("version") + 1)
    assert nothing in page_of(reader, "checkout-mail")
    denied = Fault("AccessDeniedException", "User: x is not authorized to perform that", status=403)
    full.on(f"lambda:{operation}", denied)
    tried(ACCOUNT, REGION, kind)
    html = page_of(reader, "checkout-mail")
    assert nothing not in html
    assert f"Allow lambda:{operation}" in html


# --- An alias that is ahead of the versions -------------------------------------------------------


def shift_to(full: Flight, number: str) -> None:
    """A canary begins to send to a version; nothing else tells that it was published."""
    alias = {
        "AliasArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout-mail:live",
        "Name": "live",
        "FunctionVersion": "6",
        "RoutingConfig": {"AdditionalVersionWeights": {number: 0.2}},
    }
    full.on(
        "lambda:ListAliases",
        lambda params: {"Aliases": [alias] if params["FunctionName"] == "checkout-mail" else []},
    )
    # None of a function's revision moves by that.
    Function.objects.update(aliases_read="")
    mirrored(ACCOUNT, REGION, "awslambda.alias")


def test_an_alias_that_serves_an_unknown_version_has_versions_and_function_read_at_once(
    scope: Scope, full: Flight
):
    Hint.objects.all().delete()
    shift_to(full, "8")
    assert set(Hint.objects.values_list("kind", "row_key", "parent_key")) == {
        ("awslambda.function", "checkout-mail", ""),
        ("awslambda.version", "", "checkout-mail"),
    }


def test_an_alias_that_moves_among_known_versions_costs_no_call(scope: Scope, full: Flight):
    Hint.objects.all().delete()
    shift_to(full, "7")
    assert Alias.objects.get(name="live").weights == {"7": 0.2}
    assert not Hint.objects.exists()


@pytest.mark.parametrize("number", ["$LATEST", "9" * 30, "a"])
def test_what_no_version_can_be_called_is_not_asked_for(scope: Scope, full: Flight, number: str):
    Hint.objects.all().delete()
    shift_to(full, number)
    assert not Hint.objects.exists()


def test_no_link_leads_to_a_version_that_was_not_read(scope: Scope, reader: Client, full: Flight):
    shift_to(full, "8")
    html = page_of(reader, "checkout-mail")
    alias = html.partition('id="alias-live"')[2].partition("</tr>")[0]
    assert "version 8" in alias
    assert "not read yet" in alias
    for anchor in re.findall(r'href="#(version-\d+)"', html):
        assert f'id="{anchor}"' in html
    answer = {"Version": "8", "FunctionArn": "arn:8", "State": "Active"}
    full.on("lambda:ListVersionsByFunction", {"Versions": [answer]})
    assert follow_hints(scope.pk)
    html = page_of(reader, "checkout-mail")
    assert 'href="#version-8"' in html
    assert 'id="version-8"' in html


def test_a_version_that_an_alias_serves_is_shown_however_old_it_is(scope: Scope, reader: Client):
    function = Function.objects.get(key="checkout-mail")
    for number in range(100, 140):
        Version.objects.create(
            scope=scope, function=function, key=f"checkout-mail:{number}", number=number
        )
    Function.objects.update(version=F("version") + 1)
    html = page_of(reader, "checkout-mail")
    assert 'id="version-6"' in html
    assert 'href="#version-6"' in html
    assert 'id="version-110"' not in html
