"""One's own profile: name, address, time zone, and how people are drawn."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.template import Context, Template
from django.test import Client, RequestFactory

from apps.people.forms import one_line, zones
from apps.people.models import HUES, Profile, hue_of, initials_of, profile_of
from tests.people.making import make_user

pytestmark = pytest.mark.django_db
GIVEN = {"display_name": "Mara Lindqvist", "email": "mara@example.com", "time_zone": "asia/tokyo"}


def saved(client: Client, **more: str) -> Any:
    return client.post("/people/me/", {**GIVEN, **more})


def test_a_profile_is_made_when_there_is_something_to_keep(signed_in: Client, member: Any) -> None:
    assert signed_in.get("/people/me/").status_code == 200
    assert Profile.objects.count() == 0
    assert saved(signed_in)["Location"] == "/people/me/"
    profile = Profile.objects.get()
    assert (profile.user, profile.name) == (member, "Mara Lindqvist")
    assert profile.time_zone == "Asia/Tokyo"
    member.refresh_from_db()
    assert member.email == "mara@example.com"
    page = signed_in.get("/people/me/").content.decode()
    assert "Your profile is saved." in page
    assert 'value="Asia/Tokyo"' in page


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("time_zone", "Europe/Atlantis", "No time zone has this name"),
        ("time_zone", "localtime", "No time zone has this name"),
        ("time_zone", "../../etc/passwd", "No time zone has this name"),
        ("email", "nonsense", "This is no mail address"),
        ("email", "TAKEN@example.com", "Somebody else has this address"),
        ("email", "name@example.com", "Somebody else has this address"),
        ("display_name", "x" * 101, "at most 100 characters"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_entered_stays(
    signed_in: Client, field: str, value: str, says: str
) -> None:
    get_user_model().objects.create(username="taken", email="taken@example.com")
    get_user_model().objects.create(username="name@example.com")
    answer = saved(signed_in, **{field: value})
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert says in page
    assert f'value="{value}"' in page
    assert 'value="Mara Lindqvist"' in page or field == "display_name"
    assert Profile.objects.count() == 0


def test_one_may_keep_ones_own_address_in_other_capitals(signed_in: Client, member: Any) -> None:
    saved(signed_in)
    Profile.objects.update(email_unconfirmed=False)
    assert saved(signed_in, email="Mara@Example.com").status_code == 302
    # It is the same address: what an administrator vouched for still holds.
    assert not Profile.objects.get().email_unconfirmed


def test_an_address_that_one_writes_oneself_is_not_vouched_for(signed_in: Client) -> None:
    saved(signed_in)
    assert Profile.objects.get().email_unconfirmed
    assert "until an administrator confirms it" in signed_in.get("/people/me/").content.decode()
    saved(signed_in, email="")
    assert not Profile.objects.get().email_unconfirmed


def test_saving_a_profile_leaves_alone_what_administrators_decide(
    signed_in: Client, member: Any
) -> None:
    Profile.objects.create(user=member, reads_everything=True)
    saved(signed_in)
    assert Profile.objects.get().reads_everything


def test_a_zone_is_offered_by_place_and_every_page_tells_it(signed_in: Client) -> None:
    page = signed_in.get("/people/me/").content.decode()
    assert '<option value="Europe/Berlin">' in page
    assert "data-zone" not in page
    saved(signed_in)
    for path in ("/", "/health/", "/no/such/page"):
        assert '<html lang="en" data-zone="Asia/Tokyo">' in signed_in.get(path).content.decode()
    assert "data-zone" not in Client().get("/accounts/login/").content.decode()


def test_a_page_that_the_browser_keeps_is_another_once_its_reader_is(signed_in: Client) -> None:
    mark = signed_in.get("/")["ETag"]
    assert signed_in.get("/", headers={"If-None-Match": mark}).status_code == 304
    saved(signed_in)
    signed_in.get("/people/me/")  # the message is shown there
    assert signed_in.get("/", headers={"If-None-Match": mark}).status_code == 200


def test_names_are_one_line_of_what_can_be_seen() -> None:
    assert one_line(" a\u202eb\x00 \n c\u200b\u00a0d ") == "ab c d"
    assert len(zones()) > 400


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Mara Lindqvist", "ML"),
        ("checkout-developer", "CD"),
        ("mara.van.der.berg", "MB"),
        ("sam", "SA"),
        ("x", "X"),
        ("", "?"),
        (" . - ", "?"),
        ("李小龙", "李小"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials_of(name) == letters


def test_neighbours_have_other_colours_and_each_keeps_theirs() -> None:
    assert [hue_of(number) for number in range(HUES)] == list(range(HUES))
    assert hue_of(11) == hue_of(11) < HUES
    user = make_user("mara")
    assert profile_of(user).hue == hue_of(user.pk)


def drawn(users: Any, reader: Any) -> str:
    request = RequestFactory().get("/")
    request.user = reader
    template = Template("{% load people_tags %}{% for one in users %}{% avatar one %}{% endfor %}")
    return template.render(Context({"users": users, "request": request, "user": reader}))


def test_avatars_cost_one_query_for_any_number_of_people(
    member: Any, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        user = make_user(f"person-{number}")
        if number % 2:
            Profile.objects.create(user=user, display_name=f"Zoe Number{number}")
    users = list(get_user_model().objects.exclude(pk=member.pk).order_by("pk"))
    with django_assert_num_queries(1):
        letters = re.findall(r">([^<]+)</span>", drawn(users, member))
    assert letters == ["P0", "ZN", "P2", "ZN", "P4", "ZN", "P6", "ZN", "P8", "ZN", "P1", "ZN"]
    chosen = list(get_user_model().objects.select_related("profile").exclude(pk=member.pk))
    with django_assert_num_queries(0):
        drawn(chosen, member)


def test_a_hostile_name_is_text(member: Any) -> None:
    Profile.objects.create(user=member, display_name='<b "x" <i>')
    picture = drawn([member], member)
    assert picture.count("<") == 2
    assert " style=" not in picture


def test_the_menu_leads_to_ones_own_pages_and_administrators_to_people(
    signed_in: Client, admin: Client
) -> None:
    def menu(client: Client) -> list[str]:
        page = client.get("/health/").content.decode()
        inside = re.search(r'<details class="menu" id="user-menu">(.*?)</details>', page, re.S)
        assert inside
        return re.findall(r'(?:href|action)="([^"]+)"', inside[1])

    own = ["/people/me/", "/people/me/security/", "/tokens/"]
    assert menu(signed_in) == [*own, "/accounts/logout/"]
    assert menu(admin) == [*own, "/people/", "/accounts/logout/"]


def test_the_menu_names_its_reader(signed_in: Client) -> None:
    saved(signed_in, display_name="Mara <script>")
    page = signed_in.get("/health/").content.decode()
    assert 'aria-label="M&lt;: menu of Mara &lt;script&gt;"' in page


def test_strangers_are_sent_to_sign_in() -> None:
    for path in ("/people/", "/people/me/", "/people/me/security/", "/tokens/", "/people/1/"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"][:16]) == (302, "/accounts/login/"), path
