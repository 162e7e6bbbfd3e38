"""What pages of commits, pull requests, issues and executions show of their way."""

from django.urls import reverse

from apps.mirror.panels import PANELS, Panel

from .views import NAME

BEGINNINGS = frozenset(
    {
        "codecommit.commit",
        "codecommit.pullrequest",
        "codepipeline.execution",
        "github.commit",
        "github.pullrequest",
        "github.issue",
        "jira.issue",
    }
)

PANELS.add(
    Panel(
        name=NAME,
        label="Where it is",
        shows=lambda kind: kind in BEGINNINGS,
        url=lambda kind, pk: reverse("delivery:panel", args=[kind, pk]),
    )
)
