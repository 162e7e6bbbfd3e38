"""What a person enters to connect a site, checked in words that say what to do."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from apps.mirror.outgoing import is_allowed

from .addresses import check_address
from .connect import Given
from .failures import AddressRefusedError
from .kinds import Chosen, Field, SiteKind
from .models import Site
from .trial import Draft

# More than anybody reads of one site; who needs more connects it twice.
MOST_CHOSEN = 200


def _text(label: str, help_text: str = "", **more: Any) -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
    widget = more.pop("widget", forms.TextInput)(attrs={**attrs, **more.pop("attrs", {})})
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=more.pop("required", False),
        max_length=more.pop("max_length", 512),
        widget=widget,
        **more,
    )


# A token is sent as one word of a header.
WORD = re.compile(r"[!-~]*")


class _Unseen(forms.Textarea):
    """A secret of several lines: what was entered never comes back to a page."""

    def format_value(self, _value: Any) -> str:
        """Show nothing."""
        return ""


class SiteForm(forms.Form):
    """A new site of a kind, or what one that exists (`site`) is to be read with and for.

    Secrets are never shown; left empty, the one there is stays. The address of a site that exists
    stays, too: rows of two sites must never mix.
    """

    name = _text(
        "Name",
        "What people here call the site.",
        required=True,
        max_length=64,
        error_messages={"required": "Give the site a name."},
    )

    def __init__(self, *args: Any, kind: SiteKind, site: Site | None = None, **kwargs: Any) -> None:
        self.kind, self.site = kind, site
        kwargs.setdefault("label_suffix", "")
        kwargs["initial"] = {**_initial(kind, site), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self._add_method()
        self._add_address()
        for name in self.credentials:
            self.fields[name] = self._credential(name)
        for chosen in kind.chosen:
            self.fields[f"chosen_{chosen.name}"] = _text(
                chosen.label, chosen.help, max_length=40_000, widget=forms.Textarea,
                attrs={"rows": "4"},
            )  # fmt: skip
        self.fields["may_write"] = forms.BooleanField(
            label="Let people here write to it",
            required=False,
            help_text="Comments, states, new issues and results go there by this token, and the "
            "audit tells who did it. Off, it is only read.",
        )
        if site is not None and site.managed:
            # Whatever else it has, the next start would put back.
            for field in [name for name in self.fields if name not in ("may_write",)]:
                del self.fields[field]

    @property
    def credentials(self) -> list[str]:
        """The fields of all ways in, each once."""
        return list(dict.fromkeys(f.name for method in self.kind.methods for f in method.fields))

    def _add_method(self) -> None:
        if len(self.kind.methods) > 1:
            self.fields["method"] = forms.ChoiceField(
                label="How to get in",
                choices=[(m.name, f"{m.label}: {m.choose}") for m in self.kind.methods],
                widget=forms.RadioSelect,
                error_messages={"required": "Choose how to get in."},
            )

    def _add_address(self) -> None:
        wanted = "; ".join(
            dict.fromkeys(m.address_help for m in self.kind.methods if m.address_help)
        )
        self.fields["base_url"] = _text(
            "Address",
            f"It looks like {wanted}." if wanted else "",
            required=True,
            error_messages={"required": "Give the site's address."},
        )
        if self.site is not None:
            self.fields["base_url"].disabled = True
            self.fields["base_url"].help_text = (
                "It stays: rows of two sites must never mix. Connect another site under a name of "
                "its own."
            )

    def _credential(self, name: str) -> forms.CharField:
        same = [f for method in self.kind.methods for f in method.fields if f.name == name]
        label = " or ".join(dict.fromkeys(f.label for f in same))
        helps = dict.fromkeys((f.label, f.help) for f in same)
        told = " ".join(f"{of}: {help}" if len(helps) > 1 else help for of, help in helps)
        if not same[0].secret:
            return _text(label, told, max_length=255)
        if self.site is not None and getattr(self.site, name):
            told = f"Kept. Enter one only to replace it. {told}"
        widget = _Unseen if any(f.long for f in same) else forms.PasswordInput
        return _text(label, told, max_length=16_384, widget=widget)

    # --- Checks -----------------------------------------------------------------------------------

    def clean_name(self) -> str:
        """Names are what people tell sites apart by."""
        name = str(self.cleaned_data["name"]).strip()
        same = Site.objects.filter(name=name)
        if (same.exclude(pk=self.site.pk) if self.site else same).exists():
            raise ValidationError("Another site has this name. Choose a different one.")
        return name

    def clean_base_url(self) -> str:
        """See addresses.py. A token is sent in clear to nobody, unless the operator says so."""
        if self.site is not None:
            return self.site.base_url
        try:
            url = check_address(str(self.cleaned_data["base_url"]))
        except AddressRefusedError as error:
            raise ValidationError(str(error)) from None
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_allowed(parts.hostname or "", parts.port or 80):
            raise ValidationError(
                "The token would go over the network for everybody to read: the address must begin "
                "with https://"
            )
        return url

    def clean(self) -> dict[str, Any]:
        """See that the way in has what it needs, and that there is something to read."""
        data: dict[str, Any] = super().clean() or {}
        if self.site is not None and self.site.managed:
            return data
        method = self.kind.method(data.get("method") or self.kind.methods[0].name)
        for field in method.fields:
            if field.of:
                self._check_half(field, data)
            elif not (field.optional or data.get(field.name) or self._keeps(field, method.name)):
                self.add_error(field.name, f"{method.label} needs this.")
                continue
            one_word = field.secret and not field.long
            if one_word and not WORD.fullmatch(data.get(field.name) or ""):
                self.add_error(
                    field.name,
                    "It has a space, a line break or a letter that no token has. Copy it once "
                    "more, all of it and nothing around it.",
                )
        data["selection"] = {
            chosen.name: self._lines(chosen, str(data.get(f"chosen_{chosen.name}") or ""))
            for chosen in self.kind.chosen
        }
        nothing = not any(data["selection"].values())
        if nothing and not any(name.startswith("chosen_") for name in self.errors):
            self.add_error(f"chosen_{self.kind.chosen[0].name}", "Say what is to be read of it.")
        return data

    def _check_half(self, secret: Field, data: dict[str, Any]) -> None:
        """See that a secret and what it belongs to come together, or that both are there."""
        other = data.get(secret.of)
        if not other:
            if data.get(secret.name):
                self.add_error(secret.of, f"{secret.label} is given without this.")
            return
        kept = self.site is not None and getattr(self.site, secret.name)
        same = self.site is not None and getattr(self.site, secret.of) == other
        if not data.get(secret.name) and not (kept and same):
            self.add_error(secret.name, "Enter the one that belongs to it.")

    def _keeps(self, field: Field, method: str) -> bool:
        """Whether a secret that is not entered is there already, for the same way in."""
        kept = self.site is not None and bool(self.site.secret) and self.site.method == method
        return field.secret and kept

    def _lines(self, chosen: Chosen, text: str) -> list[Any]:
        found: list[Any] = []
        for line in filter(None, map(str.strip, text.splitlines())):
            try:
                entry: Any = _named(chosen, line) if chosen.named else chosen.check(line)
            except ValueError as error:
                self.add_error(f"chosen_{chosen.name}", str(error))
                continue
            names = [one["name"] if chosen.named else one for one in found]
            if (entry["name"] if chosen.named else entry) not in names:
                found.append(entry)
        if len(found) > MOST_CHOSEN:
            self.add_error(f"chosen_{chosen.name}", f"{MOST_CHOSEN} of them at most.")
        return found

    def draft(self) -> Draft:
        """Return what was entered, ready to be tried or stored."""
        data, own = self.cleaned_data, self.site
        if own is not None and own.managed:
            given = given_of(own)
            given.may_write = data["may_write"]
            return Draft(name=own.name, provider=own.provider, given=given, site=own.pk)
        method = data.get("method") or self.kind.methods[0].name
        wanted = {field.name for field in self.kind.method(method).fields}
        given = Given(
            method=method,
            base_url=data["base_url"],
            selection=data["selection"],
            may_write=data["may_write"],
            **{name: data[name] if name in wanted else "" for name in self.credentials},
        )
        return Draft(
            name=data["name"], provider=self.kind.name, given=given, site=own.pk if own else None
        )


def given_of(site: Site) -> Given:
    """Return what a site is connected with; the secret that it has stays."""
    return Given(
        method=site.method,
        base_url=site.base_url,
        user=site.user,
        app_id=site.app_id,
        installation_id=site.installation_id,
        client_id=site.client_id,
        selection=site.selection,
        may_write=site.may_write,
    )


def _named(chosen: Chosen, line: str) -> dict[str, str]:
    name, sign, text = line.partition("=")
    if not sign or not name.strip():
        raise ValueError(f"Write a name, = and what is meant: {line[:60]}")
    return {"name": chosen.check_name(name.strip()), chosen.named: chosen.check(text.strip())}


def written(chosen: Chosen, entries: Iterable[Any]) -> str:
    """Return entries of a selection as people write them."""
    if chosen.named:
        return "\n".join(f"{one['name']} = {one[chosen.named]}" for one in entries)
    return "\n".join(map(str, entries))


def entered(kind: SiteKind, given: Given, name: str) -> dict[str, Any]:
    """Return what a form begins with, without the secret."""
    return {
        "name": name,
        "method": given.method,
        "base_url": given.base_url,
        "user": given.user,
        "app_id": given.app_id,
        "installation_id": given.installation_id,
        "client_id": given.client_id,
        "may_write": given.may_write,
        **{
            f"chosen_{chosen.name}": written(chosen, given.selection.get(chosen.name) or ())
            for chosen in kind.chosen
        },
    }


def _initial(kind: SiteKind, site: Site | None) -> dict[str, Any]:
    if site is not None:
        return entered(kind, given_of(site), site.name)
    return {"method": kind.methods[0].name, "base_url": kind.methods[0].address}


class RemoveForm(forms.Form):
    """Stop sweeping a site, or delete it with everything read from it."""

    STOP, PURGE = "stop", "purge"
    how = forms.ChoiceField(
        label="What to do",
        choices=[(STOP, "Stop sweeping; keep what was read"), (PURGE, "Delete everything")],
        widget=forms.RadioSelect,
        initial=STOP,
    )
    name = _text(
        "The site's name, to be sure",
        required=True,
        max_length=64,
        error_messages={"required": "Type the site's name."},
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        self.site = site
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        """Typed, so that nobody removes the wrong one in passing."""
        name = str(self.cleaned_data["name"])
        if name.strip() != self.site.name:
            raise ValidationError(f"Type the name exactly: {self.site.name}")
        return name
