"""What the page of a project is told of load balancers: where they answer, how targets fare."""

from collections.abc import Iterator

from django.db.models import F
from django.urls import reverse

from apps.projects.held import Held
from apps.projects.offers import OFFERS, Endpoint, Facts, Runs, Standing, Teller
from apps.projects.running import facts

KIND = "ec2.loadbalancer"
INTERNAL = "internal"


def _page(row: Facts) -> str:
    return reverse("ec2:load_balancer", args=[row.pk])


def _endpoints(row: Facts) -> Iterator[Endpoint]:
    # Nobody outside of its network can follow an internal one's name.
    if row.address and row.version != INTERNAL:
        yield Endpoint(f"http://{row.address}", row.name, "Load balancer", _page(row))


def _standings(held: Held) -> Iterator[Standing]:
    for offer, row in facts(held):
        if offer is BALANCER:
            yield Standing(
                state=row.state,
                name=row.name,
                what="load balancer",
                url=_page(row),
                since=row.changed_at,
            )


BALANCER = Runs(
    kind=KIND,
    columns={"name": F("name"), "version": F("scheme"), "address": F("dns_name")},
    places=False,
    endpoints=_endpoints,
)
OFFERS.add(BALANCER)
OFFERS.add(Teller(kinds=(KIND,), heard=(KIND,), standings=_standings))
