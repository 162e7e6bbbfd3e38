"""Makes a project in each state that a page must be able to show, where no account has them."""

import json
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.utils.timezone import now  # noqa: E402

from apps.mirror.models import Operation, Scope, Sweep  # noqa: E402
from apps.mirror.provider import Health  # noqa: E402
from apps.mirror.resource import REGISTER  # noqa: E402
from apps.projects.generations import begin_another  # noqa: E402
from apps.projects.models import Project  # noqa: E402
from screens.running import NAME, PASSWORD  # noqa: E402
from screens.shops import LONG, Manner, bare, shop  # noqa: E402
from screens.shots import UNDRAWN  # noqa: E402
from tests.factories import make_project  # noqa: E402

CURE = "Add the action to the role that the dashboard assumes."


def scopes_of(project: Project) -> Any:
    """Where a project has something: a place in an account, and a site."""
    return Scope.objects.filter(pk__in=project.holdings.values("scope"))


def loading() -> Project:
    """The account was connected a moment ago."""
    project, _ = bare("Loading", ("444455556666", "us-west-2"))
    scopes = scopes_of(project)
    scopes.update(first_swept_at=None)
    Sweep.objects.filter(scope__in=scopes).update(
        started_at=None, finished_at=None, last_success=None
    )
    Operation.objects.filter(scope__in=scopes).delete()
    return project


def stale() -> Project:
    """Nothing was read for hours."""
    project, _ = shop("Stale", ("123456789012", "us-west-2"))
    long_ago = now() - timedelta(hours=7)
    Sweep.objects.filter(scope__in=scopes_of(project)).update(
        started_at=long_ago, finished_at=long_ago, last_success=long_ago
    )
    return project


def denied() -> Project:
    """AWS lets nothing be read any more."""
    project, _ = shop("Denied", ("123456789012", "eu-west-1"))
    for operation in Operation.objects.filter(scope__in=scopes_of(project)):
        if operation.operation in REGISTER.get(operation.kind).optional:
            continue
        operation.health, operation.code = Health.DENIED, "AccessDeniedException"
        operation.error = f"User is not authorized to perform {operation.operation}"
        operation.cure, operation.last_error = CURE, now()
        operation.save()
    return project


def long_names() -> Project:
    """Names as long as AWS allows, and many of each."""
    project, _ = shop(
        "Long", ("111122223333", "us-west-2"), Manner("InProgress", many=12, long=True)
    )
    project.name = f"The project of {LONG}"[:100]
    project.save()
    return project


def main() -> None:
    """Make all of them and who looks at them; say where they are."""
    get_user_model().objects.create_superuser(NAME, password=PASSWORD)
    projects = {
        "new": make_project("Brand new"),
        "empty": bare("Empty", ("444455556666", "eu-central-1"))[0],
        "loading": loading(),
        "stale": stale(),
        "denied": denied(),
        "failed": shop("Failed", ("444455556666", "eu-west-1"), Manner("Failed"))[0],
        "undrawn": shop(UNDRAWN, ("123456789012", "eu-central-1"))[0],
        "long": long_names(),
    }
    begin_another()
    paths = {name: one.get_absolute_url() for name, one in projects.items()}
    print("paths", json.dumps(paths), flush=True)


if __name__ == "__main__":
    main()
