"""The model of on-premises instances: machines outside AWS that CodeDeploy deploys to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet

from .console import on_premises_url

REGISTERED = "Registered"


class OnPremisesInstanceQuerySet(MirroredQuerySet):
    """On-premises instances the way lists want them."""

    def for_list(self) -> Self:
        """With their scope, by name."""
        return self.select_related("scope").order_by("key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in the name, the IAM identity or the tags, by our state and by place."""
        rows = self.containing(q, "key", "iam_user_arn", "iam_session_arn", "tags")
        return rows.narrowed(state=state, account=account, region=region)


class OnPremisesInstance(Mirrored):
    """An on-premises instance: a machine outside AWS that is, or was, registered with CodeDeploy.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_InstanceInfo.html

    `key` is the name. `status` is the registration's, Registered or Deregistered; `tags` are a
    text each by their keys. It signs in as an IAM user or by a session of a role.
    """

    iam_user_arn = models.CharField(max_length=2048, blank=True)
    iam_session_arn = models.CharField(max_length=2048, blank=True)
    registered_at = models.DateTimeField(null=True)
    deregistered_at = models.DateTimeField(null=True)
    tags = models.JSONField(default=dict)

    objects: ClassVar[Any] = OnPremisesInstanceQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        # Those of `Mirrored`, by shorter names: with the model's they are too long for databases.
        indexes: ClassVar = [
            models.Index(fields=["arn"], name="on_premises_arn"),
            models.Index(fields=["scope", "state"], name="on_premises_state"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the instance's page."""
        return reverse("codedeploy:on_premises_instance", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The on-premises instances in AWS's console: it has no address for one."""
        return on_premises_url(self.scope.region)

    @property
    def is_read(self) -> bool:
        """Whether its details were read: the list tells its name alone."""
        return bool(self.status)

    def is_in(self, tag_set: Sequence[Iterable[Mapping[str, str]]]) -> bool:
        """Whether a group with this tag set deploys to it: it has one tag of each list.

        https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_OnPremisesTagSet.html
        """
        if self.status != REGISTERED or self.gone_at is not None:
            return False
        return bool(tag_set) and all(any(map(self._has, wanted)) for wanted in tag_set)

    def _has(self, wanted: Mapping[str, str]) -> bool:
        key, value = wanted.get("key", ""), wanted.get("value", "")
        match wanted.get("type"):
            case "KEY_ONLY":
                return key in self.tags
            case "VALUE_ONLY":
                return value in self.tags.values()
        return key in self.tags and self.tags[key] == value
