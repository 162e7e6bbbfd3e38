"""Links commits and pull requests that were read before to the issues they name."""

from itertools import islice

from django.db import migrations

from apps.source.mentions import mentioned

BATCH = 500


def link(apps, _schema):
    Link = apps.get_model("mirror", "Link")
    commits = apps.get_model("source", "Commit").objects.values_list("pk", "message")
    pulls = apps.get_model("source", "PullRequest").objects
    told = pulls.values_list("pk", "title", "source_branch", "description")
    # Until now all of them were CodeCommit's. Histories are not read again.
    for kind, rows in (("codecommit.commit", commits), ("codecommit.pullrequest", told)):
        links = (
            Link(
                from_kind=kind,
                from_id=pk,
                relation=link.relation,
                to_kind=link.to_kind,
                to_arn=link.to,
                owning=link.owning,
            )
            for pk, *texts in rows.order_by("pk").iterator()
            for link in mentioned(*texts)
        )
        while batch := list(islice(links, BATCH)):
            Link.objects.bulk_create(batch)


class Migration(migrations.Migration):
    dependencies = [
        ("source", "0001_initial"),
        ("mirror", "0002_scope_last_event_at"),
    ]

    operations = [migrations.RunPython(link, migrations.RunPython.noop, elidable=True)]
