"""Sites as the mirror sees them: opens a scope, reads its failures."""

from apps.mirror.models import Scope
from apps.mirror.provider import Failure

from .failures import NotIdentifiedError, classify
from .identity import find_out
from .models import Site
from .opening import reach_of
from .reach import Reach


class SiteProvider:
    """Registered under the name of a `SiteKind`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, scope: Scope, *, urgent: bool = False) -> Reach:
        """Return a reach into a site, whose credentials it said to know since they were given.

        Raises NotIdentifiedError, and Site.DoesNotExist where the connection is gone.
        """
        site = Site.objects.get(scope=scope)
        if site.identified_at is None and (failure := find_out(site)):
            raise NotIdentifiedError(failure)
        return reach_of(site, urgent=urgent)

    def classify(self, error: BaseException, operation: str = "") -> Failure:
        """See `failures.classify`."""
        return classify(error, operation)
