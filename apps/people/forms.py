"""What people enter about themselves and administrators about others, with errors in sentences."""

import unicodedata
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q

from .models import Profile

OFF = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


@cache
def zones() -> dict[str, str]:
    """Every zone by its name in lower case, without those that are files of the database's own."""
    known = sorted(available_timezones() - {"localtime", "Factory"})
    return {name.lower(): name for name in known if not name.startswith(("posix/", "right/"))}


@cache
def offered_zones() -> list[str]:
    """Those that are offered: by place, and UTC."""
    return ["UTC", *(name for name in zones().values() if "/" in name and name[:4] != "Etc/")]


def one_line(text: str) -> str:
    """A name on one line, without characters that show as nothing or turn the text around."""
    shown = (sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co"))
    return " ".join("".join(" " if sign.isspace() else sign for sign in shown).split())


class NameAndAddressForm(forms.Form):
    """What a person is called, and where mail reaches them."""

    display_name = forms.CharField(
        label="Name",
        required=False,
        max_length=100,
        help_text="What others see. Without one it is the user name.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        max_length=254,
        help_text="May be used to sign in, too.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": "This is no mail address. It looks like name@example.com."},
    )

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_display_name(self) -> str:
        """On one line."""
        return one_line(self.cleaned_data["display_name"])

    def clean_email(self) -> str:
        """An address is one person's, and nobody's user name."""
        email: str = self.cleaned_data["email"].strip()
        if not email:
            return ""
        others = get_user_model().objects.all()
        if self.user is not None:
            others = others.exclude(pk=self.user.pk)
        if others.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists():
            raise ValidationError("Somebody else has this address. Give another one.")
        return email


class ProfileForm(NameAndAddressForm):
    """One's own profile."""

    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        help_text="All times on pages are told in it, e.g. Europe/Berlin. Empty: your browser's.",
        widget=forms.TextInput(attrs={**OFF, "list": "zones"}),
    )

    def clean_time_zone(self) -> str:
        """A zone by its name, however it is capitalised."""
        wanted = self.cleaned_data["time_zone"].strip()
        if not wanted:
            return ""
        known = zones().get(wanted.lower().replace(" ", "_"))
        if known is None:
            raise ValidationError(
                "No time zone has this name. Choose one of the list, e.g. Europe/Berlin, or leave "
                "it empty."
            )
        return known


class NewPersonForm(NameAndAddressForm):
    """A new member of the team."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        help_text="Letters, digits and @ . + - _",
        widget=forms.TextInput(attrs=OFF),
    )
    administrator = forms.BooleanField(
        label="Administrator",
        required=False,
        help_text="Connects AWS accounts, makes people and sees everything.",
    )
    field_order = ("username", "display_name", "email", "administrator")

    def clean_username(self) -> str:
        """A name that nobody has, in whatever capitals."""
        name: str = self.cleaned_data["username"].strip()
        users = get_user_model()
        for validate in users._meta.get_field("username").validators:
            validate(name)
        if users.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).exists():
            raise ValidationError("There is a person of this name already. Choose another one.")
        return name

    def save(self) -> Any:
        """Make the person, without a password."""
        given = self.cleaned_data
        user = get_user_model()(
            username=given["username"], email=given["email"], is_staff=given["administrator"]
        )
        user.set_unusable_password()
        user.save()
        Profile.objects.create(user=user, display_name=given["display_name"])
        return user
