"""What is known of each kind of site, and the register of them: Jira and GitHub add theirs."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.mirror.provider import PROVIDERS, Provider

from .answers import Access, Wire
from .reach import NextPage, Reach, Read, nothing_more, one_page

if TYPE_CHECKING:
    from .models import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of a connection's form.

    name      the column of `Site`: "user", "secret", "app_id", "client_id", …
    secret    never shown again.     long   more than a line (a private key).
    optional  the way in does without it.
    of        a secret's other half: the two are given together, and emptying that one removes both.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = False
    long: bool = False
    optional: bool = False
    of: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """A way to get in. `fields` are needed besides the address; `address` is what that is at first.

    choose  when to take it, in a sentence.
    """

    name: str
    label: str
    choose: str
    fields: tuple[Field, ...]
    address: str = ""
    address_help: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """A line of what is to be read: its name in `Site.selection` and how people write it.

    check  raises ValueError with a sentence for an entry that cannot be read; returns it as kept.
    named  entries are written "name = text" and kept as `{name, <named>}`; `check_name` raises
           ValueError for a name that cannot be one.
    """

    name: str
    label: str
    help: str
    check: Callable[[str], str]
    named: str = ""
    check_name: Callable[[str], str] = str


@dataclass(frozen=True, kw_only=True, slots=True)
class Whose:
    """Who a site says we are, and in what version of itself it says so ("" where it does not)."""

    identity: str
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a test found: one thing that is read, and how it fared.

    what  "Project SHOP", "Query Overdue".       told  what was found, or what is wrong.
    cure  what to do about it.                    field of the form that it belongs to, or "".
    """

    what: str
    ok: bool
    told: str
    cure: str = ""
    field: str = ""


def nothing_besides(_site: "Site") -> Iterator[Finding]:
    """Know of nothing that other credentials open."""
    yield from ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """How a kind of site signs and names its webhooks.

    signature  header with "sha256=" and the HMAC of the raw body.
    type_of    (headers, payload) -> what the site calls what happened, "" for nothing of ours.
    events     what to tick at the site, for people.
    where      where to enter it there, for people.
    """

    signature: str
    type_of: Callable[[Mapping[str, str], Mapping[str, Any]], str]
    events: tuple[str, ...]
    where: str

    def is_signed(self, headers: Mapping[str, str], raw: bytes, secret: str) -> bool:
        """Whether the body was signed with this secret; takes as long for a wrong one."""
        wanted = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        given = headers.get(self.signature.lower(), "")
        return bool(secret) and hmac.compare_digest(wanted.encode(), given.encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteKind:
    """A kind of site.

    name       the provider of its scopes: "jira".      label  what people call it.
    methods    the ways in.                             chosen what of it is read.
    wire       opens it: an `Access` gives a `Wire`.
    identify   reach -> who the site says we are; raises what the reach raises. Its first call.
    asks       the operation of that call, "jira:GetMyself".
    findings   reach -> what a test of the connection finds, one item for each thing that is read.
    besides    site -> what a test finds of what is opened otherwise than by the site's token.
    read       what an answer means besides its status (see `Reach.read`).
    next_page  how its lists go on.
    headers    what every call says.
    hook       its webhooks, None where it has none.
    rights     what the token needs, one line each, for people.
    writes     what it needs besides to write there, for people.
    """

    name: str
    label: str
    methods: tuple[Method, ...]
    chosen: tuple[Chosen, ...]
    wire: Callable[[Access], Wire]
    identify: Callable[[Reach], Whose]
    asks: str
    findings: Callable[[Reach], Iterator[Finding]]
    besides: Callable[["Site"], Iterator[Finding]] = nothing_besides
    read: Read = nothing_more
    next_page: NextPage = one_page
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": "application/json"})
    hook: Hook | None = None
    rights: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    def method(self, name: str) -> Method:
        """Return a way in by its name; KeyError where there is none of it."""
        return {method.name: method for method in self.methods}[name]


@dataclass(slots=True)
class Sites:
    """The closed register of kinds of sites, filled when apps are ready.

    provider  makes what opens the scopes of a kind for the mirror.
    """

    by_name: dict[str, SiteKind] = field(default_factory=dict)
    provider: Callable[[str], Provider] | None = None

    def add(self, kind: SiteKind) -> None:
        """Add one, and let the mirror open scopes of it; a second of the name is a mistake."""
        if kind.name in self.by_name:
            raise ValueError(f"{kind.name} is declared twice")
        self.by_name[kind.name] = kind
        assert self.provider is not None
        PROVIDERS.register(self.provider(kind.name))

    def get(self, name: str) -> SiteKind:
        """Return a kind; KeyError where its app is not installed."""
        return self.by_name[name]

    def __iter__(self) -> Iterator[SiteKind]:
        return iter(self.by_name.values())


SITES = Sites()
