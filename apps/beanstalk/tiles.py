"""What the page of a project is told of environments: which version each runs, and where."""

from collections.abc import Iterator

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Concat, NullIf
from django.urls import reverse

from apps.projects.offers import OFFERS, Endpoint, Facts, Running, Runs, Share, Teller
from apps.projects.running import MOST_SHARES, fares

KIND = "beanstalk.environment"
WORKER = "Worker"
# What is told apart: the tier, and how the environment fares.
APART = "|"


def _page(row: Facts) -> str:
    return reverse("beanstalk:environment", args=[row.pk])


def _running(row: Facts) -> Running:
    instances = [one for one in row.told or () if isinstance(one, dict)]
    tier, _, health = row.name.partition(APART)
    well = sum(one.get("state") == "done" for one in instances)
    return Running(
        name=row.key,
        url=_page(row),
        what=f"Beanstalk {tier.lower() or 'environment'}",
        state=row.state,
        # AWS's status while that moves, else its health.
        status=health if row.status == "Ready" and health else row.status,
        version=row.version,
        exactly=row.version,
        since=row.at,
        counts=f"{well} of {len(instances)} instances well" if instances else "",
        strip=[
            Share(str(one.get("state") or ""), f"{one.get('id')}: {one.get('status')}")
            for one in instances[:MOST_SHARES]
        ],
        arns=(row.arn,),
        why=_why(row),
    )


def _why(row: Facts) -> str:
    causes = [str(one) for one in row.also or () if isinstance(one, str)]
    return causes[0] if causes and row.state == "failed" else ""


def _endpoints(row: Facts) -> Iterator[Endpoint]:
    # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
    if row.address and not row.name.startswith(WORKER):
        yield Endpoint(f"http://{row.address}", row.key, "Beanstalk environment", _page(row))


ENVIRONMENT = Runs(
    kind=KIND,
    columns={
        "name": Concat(
            F("tier_name"),
            Value(APART),
            Coalesce(NullIf(F("health_status"), Value("")), F("health")),
        ),
        "version": F("version_label"),
        "address": F("cname"),
        "told": F("instances"),
        "also": F("causes"),
        "at": F("date_updated"),
    },
    heard=("beanstalk.instance",),
    running=_running,
    endpoints=_endpoints,
)
OFFERS.add(ENVIRONMENT)
OFFERS.add(Teller(kinds=(KIND,), heard=(KIND,), standings=fares(ENVIRONMENT, "environment")))
