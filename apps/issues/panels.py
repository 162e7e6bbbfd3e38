"""Offers pages of what failed the issues that were made of it; see apps.mirror.panels."""

from django.urls import reverse

from apps.mirror.panels import PANELS, Panel

from .failures import FAILURES

OF_FAILURE = PANELS.add(
    Panel(
        name="issues",
        label="Issues",
        shows=FAILURES.offered_at,
        url=lambda kind, pk: reverse("issues:of_failure", args=[kind, pk]),
    )
)
