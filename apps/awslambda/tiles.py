"""What the page of a project is told of functions: which version each alias sends calls to."""

from django.db.models import F
from django.urls import reverse

from apps.mirror.state import State
from apps.projects.offers import OFFERS, Facts, Running, Runs, Share, Teller
from apps.projects.running import MOST_SHARES, fares

KIND = "awslambda.function"
# Aliases of one function that are told by name.
ALIASES = 3
# Segments of a strip: each is so many per cent of the calls.
PARTS = 20


def _running(row: Facts) -> Running:
    aliases = [one for one in row.told or () if isinstance(one, dict)]
    split = next((one for one in aliases if len(one.get("shares") or ()) > 1), None)
    newest = f"version {row.version}" if row.version else "$LATEST"
    words = [f"{one.get('name')} → {_words(one)}" for one in aliases[:ALIASES]]
    if len(aliases) > ALIASES:
        words.append(f"{len(aliases) - ALIASES} more")
    return Running(
        name=row.key,
        url=reverse("awslambda:function", args=[row.pk]),
        what="Lambda function",
        state=row.state,
        status=row.status,
        version=_version(aliases[0]) if aliases else newest,
        exactly=f"newest: {newest}",
        since=row.at,
        counts=", ".join(words),
        strip=_strip(split),
        arns=(row.arn,),
    )


def _shares(alias: dict[str, object]) -> list[tuple[str, float]]:
    told = alias.get("shares")
    pairs = told if isinstance(told, list) else []
    return [(str(one[0]), float(one[1])) for one in pairs if len(one) == 2]


def _version(alias: dict[str, object]) -> str:
    shares = _shares(alias)
    return f"version {shares[0][0]}" if shares else ""


def _words(alias: dict[str, object]) -> str:
    shares = _shares(alias)
    if len(shares) == 1:
        return shares[0][0]
    return " + ".join(f"{version} ({share:g} %)" for version, share in shares)


def _strip(alias: dict[str, object] | None) -> list[Share]:
    """How the calls of an alias are shared out, while they are."""
    if alias is None:
        return []
    shares = _shares(alias)
    newest = max((version for version, _ in shares), key=lambda told: (len(told), told))
    strip: list[Share] = []
    for version, share in sorted(shares, key=lambda one: one[0] != newest):
        parts = max(1, round(share / 100 * PARTS))
        state = State.MOVING if version == newest else State.DONE
        strip += [Share(state, f"Version {version}: {share:g} % of the calls")] * parts
    return strip[:MOST_SHARES]


FUNCTION = Runs(
    kind=KIND,
    columns={"version": F("newest_version"), "told": F("aliases"), "at": F("last_modified")},
    heard=("awslambda.alias",),
    running=_running,
)
OFFERS.add(FUNCTION)
OFFERS.add(Teller(kinds=(KIND,), heard=(KIND,), standings=fares(FUNCTION, "function")))
