"""What a person enters to connect an account, checked in words that say what to do."""

import re
from functools import cache
from typing import Any

from boto3 import Session
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from .connect import Credentials
from .endpoints import check_endpoint
from .failures import EndpointRefusedError
from .models import Account, Place, new_external_id
from .places import taken_regions, wanted_regions
from .queues import NoQueueError, name_entered, queue_of
from .regions import partition_of
from .trial import Draft
from .trust import partition_of_arn

Method = Account.Method
ROLE_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):role/[\w+=,.@/-]{1,512}")
KEY_ID = re.compile(r"\w{4,128}")
REGION_NAME = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
ACCOUNT_NUMBER = re.compile(r"\d{12}")
# What each method reads besides account number, endpoint and regions.
FIELDS_OF = {
    Method.AMBIENT: (),
    Method.PROFILE: ("profile",),
    Method.KEYS: ("access_key_id", "secret_access_key", "session_token"),
    Method.ROLE: ("role_arn", "external_id", "base"),
}
SECRETS = ("secret_access_key", "session_token")


@cache
def known_regions() -> dict[str, str]:
    """Return {region: what AWS calls the place} of every region botocore knows CodePipeline in."""
    session = Session()
    data = session._session.get_data("partitions")
    names = {
        code: _city(region.get("description", ""))
        for partition in data["partitions"]
        for code, region in partition["regions"].items()
    }
    found = [
        region
        for partition in ("aws", "aws-us-gov", "aws-cn")
        for region in sorted(session.get_available_regions("codepipeline", partition))
    ]
    return {region: names.get(region, "") for region in found}


def _city(description: str) -> str:
    """Return "Ireland" of "Europe (Ireland)"."""
    inner = re.search(r"\((.+)\)", description)
    return inner[1] if inner else description


def _text(label: str, help_text: str = "", **more: Any) -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
    widget = more.pop("widget", forms.TextInput)(attrs=attrs)
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=more.pop("required", False),
        max_length=more.pop("max_length", 2048),
        widget=widget,
        **more,
    )


class ConnectForm(forms.Form):
    """A new account, or another way into one that exists (`account`).

    Secrets are never shown, and of the id of a key that is kept just the end: left empty, it stays.
    """

    name = _text(
        "Name",
        "What people here call the account.",
        required=True,
        max_length=64,
        error_messages={"required": "Give the account a name."},
    )
    method = forms.ChoiceField(
        label="Credentials",
        choices=[
            (Method.ROLE, "Assume a role in the account (what AWS advises)"),
            (Method.KEYS, "Access key, kept here encrypted"),
            (Method.PROFILE, "Named profile of this machine"),
            (Method.AMBIENT, "Credentials of this machine (environment, instance role)"),
        ],
        widget=forms.RadioSelect,
        initial=Method.ROLE,
        error_messages={"required": "Choose how to get in."},
    )
    role_arn = _text("Role", "Its ARN: arn:aws:iam::111122223333:role/codestar-dash")
    external_id = _text(
        "External id",
        "Put it into the role's trust policy: it keeps others from using your role through us.",
        max_length=1224,
    )
    base = forms.ModelChoiceField(
        Account.objects.none(),
        label="Assumed from",
        required=False,
        empty_label="The credentials of this machine",
    )
    access_key_id = _text("Access key id", max_length=128)
    secret_access_key = _text("Secret access key", widget=forms.PasswordInput, max_length=256)
    session_token = _text(
        "Session token",
        "Only for temporary keys (ASIA…).",
        widget=forms.PasswordInput,
        max_length=8192,
    )
    profile = _text("Profile", "A name in this machine's ~/.aws/config.", max_length=128)
    account_id = _text(
        "Account number",
        "12 digits. Left empty, it is what GetCallerIdentity says.",
        max_length=14,
    )
    regions = forms.MultipleChoiceField(
        label="Regions", required=False, widget=forms.CheckboxSelectMultiple
    )
    other_regions = _text("Other regions", "Newer ones than this list knows, with commas.")
    endpoint_url = _text(
        "Endpoint",
        "Only for a simulated or private AWS, e.g. https://aws.example.com. Empty for AWS itself.",
        max_length=512,
    )

    def __init__(self, *args: Any, account: Account | None = None, **kwargs: Any) -> None:
        self.account = account
        kwargs.setdefault("label_suffix", "")
        kwargs["initial"] = {**_initial(account), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        regions = self.fields["regions"]
        assert isinstance(regions, forms.MultipleChoiceField)
        regions.choices = [
            (region, f"{region} · {place}" if place else region)
            for region, place in known_regions().items()
        ]
        base = self.fields["base"]
        assert isinstance(base, forms.ModelChoiceField)
        bases = Account.objects.exclude(method=Method.ROLE).filter(removed_at=None, parked_at=None)
        base.queryset = bases.exclude(pk=account.pk) if account else bases
        if self._keeps_key:
            assert account is not None
            kept = account.masked_key_id
            key_id = self.fields["access_key_id"]
            key_id.widget.attrs["placeholder"] = kept
            key_id.help_text = f"Kept: {kept}. Leave empty to keep it."
            self.fields["secret_access_key"].help_text = "Kept. Enter one only to replace it."
            if self.initial.get("access_key_id") == account.access_key_id:
                self.initial["access_key_id"] = ""
        if account is not None and account.account_id:
            # Rows of two accounts must never mix: another number is another connection.
            self.fields["account_id"].disabled = True
        if account is not None and account.managed:
            # Whatever else it has, the next start would put back.
            for field in [name for name in self.fields if not name.endswith("regions")]:
                del self.fields[field]

    @property
    def _keeps_key(self) -> bool:
        """Whether there is an access key already, which stays unless another is given."""
        return self.account is not None and bool(self.account.secret_access_key)

    def clean_name(self) -> str:
        """Names are what people tell accounts apart by."""
        name = str(self.cleaned_data["name"]).strip()
        same = Account.objects.filter(name=name)
        if (same.exclude(pk=self.account.pk) if self.account else same).exists():
            raise ValidationError("Another account has this name. Choose a different one.")
        return name

    def clean_account_id(self) -> str:
        """Written with or without hyphens, as AWS's console shows it."""
        number = re.sub(r"[\s-]", "", self.cleaned_data["account_id"])
        if number and not ACCOUNT_NUMBER.fullmatch(number):
            raise ValidationError("An AWS account number has 12 digits.")
        return number

    def clean_endpoint_url(self) -> str:
        """See endpoints.py."""
        url = str(self.cleaned_data["endpoint_url"]).strip()
        if not url:
            return ""
        try:
            return check_endpoint(url)
        except EndpointRefusedError as error:
            raise ValidationError(str(error)) from None

    def clean_other_regions(self) -> list[str]:
        """Names of regions, by comma or blank."""
        found = re.split(r"[\s,;]+", self.cleaned_data["other_regions"].strip())
        wrong = [region for region in found if region and not REGION_NAME.fullmatch(region)]
        if wrong:
            raise ValidationError(
                f"{wrong[0][:40]} is no region. A region looks like eu-west-1; separate several "
                "with commas."
            )
        return [region for region in found if region]

    def clean(self) -> dict[str, Any]:
        """Check what a method needs, and that account, role and regions belong together."""
        data = super().clean() or {}
        data["regions"] = sorted({*data.get("regions", ()), *data.get("other_regions", ())})
        if not data["regions"] and not ({"regions", "other_regions"} & set(self.errors)):
            self.add_error("regions", "Choose at least one region to look at.")
        if "method" in data:
            method = Method(data["method"])
            kept = FIELDS_OF[method]
            for field in {name for names in FIELDS_OF.values() for name in names} - set(kept):
                data[field] = None if field == "base" else ""
                self.errors.pop(field, None)
            getattr(self, f"_clean_{method.value}")(data)
        self._clean_partition(data)
        self._clean_taken(data)
        return data

    def _clean_ambient(self, _data: dict[str, Any]) -> None:
        pass

    def _clean_profile(self, data: dict[str, Any]) -> None:
        if not data.get("profile", "").strip() and "profile" not in self.errors:
            self.add_error("profile", "Give the profile's name, as in ~/.aws/config.")

    def _clean_keys(self, data: dict[str, Any]) -> None:
        own = self.account if self._keeps_key else None
        if own is not None and not data.get("access_key_id") and "access_key_id" not in self.errors:
            data["access_key_id"] = own.access_key_id
        key_id, secret = data.get("access_key_id", ""), data.get("secret_access_key", "")
        if not key_id:
            self.add_error("access_key_id", "Give the access key's id (AKIA…).")
        elif not KEY_ID.fullmatch(key_id):
            self.add_error(
                "access_key_id", "An access key id has letters and digits only. Copy it again."
            )
        if not secret and own is not None and own.access_key_id == key_id:
            data["secret_access_key"] = own.secret_access_key
            data["session_token"] = data.get("session_token") or own.session_token
        elif not secret and "secret_access_key" not in self.errors:
            self.add_error("secret_access_key", "Give the secret access key of this access key.")
        elif re.search(r"\s", secret):
            self.add_error("secret_access_key", "The secret has a blank in it. Copy it again.")
        if key_id.startswith("ASIA") and not data.get("session_token"):
            self.add_error(
                "session_token", "A temporary key (ASIA…) works only with its session token."
            )

    def _clean_role(self, data: dict[str, Any]) -> None:
        arn = data.get("role_arn", "").strip()
        found = ROLE_ARN.fullmatch(arn)
        if found is None:
            self.add_error(
                "role_arn",
                "Give the role's ARN: arn:aws:iam::<12 digits>:role/<name>, as IAM shows it.",
            )
            return
        if data.get("account_id") and data["account_id"] != found[2]:
            self.add_error(
                "role_arn" if self.fields["account_id"].disabled else "account_id",
                f"The role is in account {found[2]}, not {data['account_id']}. Correct one of "
                "them, or connect the other account under a name of its own.",
            )
        data["account_id"] = found[2]
        data["external_id"] = data.get("external_id", "").strip() or new_external_id()
        if not re.fullmatch(r"[\w+=,.@:/-]{2,1224}", data["external_id"]):
            self.add_error(
                "external_id", "An external id has 2 or more letters, digits and + = , . @ : / -"
            )

    def _clean_partition(self, data: dict[str, Any]) -> None:
        partitions = {partition_of(region) for region in data.get("regions", ())}
        if len(partitions) > 1:
            self.add_error(
                "regions",
                "AWS, AWS GovCloud and AWS China are worlds apart: connect an account for each.",
            )
        home = partition_of_arn(data.get("role_arn") or "")
        if home and partitions and home not in partitions and "role_arn" not in self.errors:
            self.add_error("regions", f"The role is in {home}; choose regions of that partition.")

    def _clean_taken(self, data: dict[str, Any]) -> None:
        own = self.account
        number = data.get("account_id") or (own.account_id if own else "")
        taken = taken_regions(number, data.get("regions", ()), but=own.pk if own else None)
        if taken:
            self.add_error(
                "regions",
                f"Account {number} is connected in {', '.join(taken)} already, under another "
                "name. Leave those out, or remove the other connection.",
            )

    def draft(self) -> Draft:
        """Return what was entered, ready to be tried or stored."""
        data = self.cleaned_data
        own = self.account
        fields = Credentials.__dataclass_fields__
        if own is not None and own.managed:
            credentials = Credentials(**{name: getattr(own, name) for name in fields})
        else:
            credentials = Credentials(**{name: data[name] for name in fields})
        return Draft(
            name=data.get("name") or (own.name if own else ""),
            regions=data["regions"],
            credentials=credentials,
            account=own.pk if own else None,
        )


def _initial(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {"external_id": new_external_id(), "regions": settings.AWS_REGIONS}
    swept = wanted_regions(account)
    kept = [name for names in FIELDS_OF.values() for name in names if name not in SECRETS]
    return {
        **{name: getattr(account, name) for name in ("name", "method", "account_id", *kept)},
        "endpoint_url": account.endpoint_url,
        "external_id": account.external_id or new_external_id(),
        "regions": [region for region in swept if region in known_regions()],
        "other_regions": ", ".join(region for region in swept if region not in known_regions()),
    }


class QueueForm(forms.Form):
    """Which queue a place listens to: by name, ARN or URL; nothing for the usual one."""

    queue = _text("Queue", "Its name, or the stack's output QueueUrl or QueueArn.")

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        self.place = place
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("initial", {"queue": queue_of(place)})
        super().__init__(*args, **kwargs)

    def clean_queue(self) -> str:
        """Return the queue's name, "" for that of EVENT_QUEUE_NAME."""
        entry = str(self.cleaned_data["queue"]).strip()
        if not entry:
            return ""
        try:
            name = name_entered(entry, self.place.account.account_id, self.place.region)
        except NoQueueError as error:
            raise ValidationError(str(error)) from None
        return "" if name == settings.EVENT_QUEUE_NAME else name


class RemoveForm(forms.Form):
    """Stop sweeping an account, or delete it with everything read from it."""

    STOP, PURGE = "stop", "purge"
    how = forms.ChoiceField(
        label="What to do",
        choices=[(STOP, "Stop sweeping; keep what was read"), (PURGE, "Delete everything")],
        widget=forms.RadioSelect,
        initial=STOP,
    )
    name = _text(
        "The account's name, to be sure",
        required=True,
        max_length=64,
        error_messages={"required": "Type the account's name."},
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        self.account = account
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        """Typed, so that nobody removes the wrong one in passing."""
        name = str(self.cleaned_data["name"])
        if name.strip() != self.account.name:
            raise ValidationError(f"Type the name exactly: {self.account.name}")
        return name
