"""Offers a resource's metrics to whatever page the resource has; see apps.mirror.panels."""

from django.urls import reverse

from apps.mirror.panels import PANELS, Panel

from .watched import WATCHED

METRICS = PANELS.add(
    Panel(
        name="metrics",
        label="Metrics",
        shows=lambda kind: kind in WATCHED,
        url=lambda kind, pk: reverse("cloudwatch:metrics_of", args=[kind, pk]),
    )
)
