"""What the page of a project is told of stacks: how each fares, and addresses in its outputs."""

import re
from collections.abc import Iterator

from django.db.models import F
from django.urls import reverse

from apps.mirror.state import State
from apps.projects.offers import OFFERS, Endpoint, Facts, Running, Runs, Teller
from apps.projects.running import fares

KIND = "cloudformation.stack"
# Outputs name them often: repositories to clone from, and pages of AWS's console.
AWS_S_OWN = re.compile(
    r"^https://(git-codecommit(-fips)?\.[\w-]+\.amazonaws\.com(\.cn)?|"
    r"([\w-]+\.)*console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com))(/|$)",
    re.IGNORECASE,
)


def _page(row: Facts) -> str:
    return reverse("cloudformation:stack", args=[row.pk])


def _running(row: Facts) -> Running | None:
    failure = row.also if isinstance(row.also, dict) else {}
    failed = row.state == State.FAILED
    if row.version and row.state == State.DONE:
        # A nested one fares as the stack that it is nested in, until it does not.
        return None
    return Running(
        name=row.name,
        url=_page(row),
        what="Stack",
        state=row.state,
        status=row.status,
        since=row.at,
        arns=(row.arn,),
        why=str(failure.get("why") or failure.get("reason") or "") if failed else "",
    )


def _endpoints(row: Facts) -> Iterator[Endpoint]:
    for output in row.told or ():
        if isinstance(output, dict):
            name, value = (str(output.get(one) or "") for one in ("key", "value"))
            if not AWS_S_OWN.search(value):
                yield Endpoint(value, name, f"Stack {row.name}", _page(row))


STACK = Runs(
    kind=KIND,
    columns={
        "name": F("name"),
        "version": F("parent_id"),
        "told": F("outputs"),
        "also": F("failure"),
        "at": F("moved_at"),
    },
    running=_running,
    endpoints=_endpoints,
)
OFFERS.add(STACK)
OFFERS.add(Teller(kinds=(KIND,), heard=(KIND,), standings=fares(STACK, "stack")))
