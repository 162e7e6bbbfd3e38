"""What collectors must know of other rows: which instance profiles there are, and their roles."""

from collections.abc import Sequence

from apps.mirror.ask import Parent
from apps.mirror.models import Scope

from .models import Instance, InstanceProfile
from .profiles import profile_name


def profiles_of_instances(scope: Scope) -> Sequence[Parent]:
    """Return the profiles that instances of a scope have, by name."""
    rows = Instance.objects.present().filter(scope=scope).exclude(instance_profile="")
    arns = rows.order_by("instance_profile").values_list("instance_profile", flat=True).distinct()
    return [Parent(key=profile_name(arn), arn=arn) for arn in arns]


def known_profiles(scope: Scope) -> Sequence[Parent]:
    """Return the profiles that were read, with their roles."""
    rows = InstanceProfile.objects.present().filter(scope=scope).order_by("pk")
    return [Parent(key=one.key, arn=one.arn, fields={"roles": one.roles}) for one in rows]
