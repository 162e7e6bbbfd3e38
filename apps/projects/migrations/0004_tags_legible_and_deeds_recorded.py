"""Writes tags in letters that SQLite finds, and records what was done before there were records."""

from datetime import timedelta

from django.conf import settings
from django.db import migrations, models

import apps.projects.models

BATCH = 500


def write_tags(apps, _schema):
    """Keep each project's tags once more, as they are kept from now on."""
    for project in apps.get_model("projects", "Project").objects.exclude(tags=[]).iterator(BATCH):
        project.save(update_fields=["tags"])


def record(apps, _schema):
    """Tell who is in projects and what they hold, as the activity told it by these rows."""
    Record = apps.get_model("audit", "Record")
    if Record.objects.exists():
        return
    names = _names(apps)
    rows = apps.get_model("projects", "Membership").objects.select_related("project")
    told = [
        Record(
            at=one.since,
            who_id=one.user_id,
            who_name=names.get(one.user_id, "")[:150],
            verb="project.joined",
            what=one.role,
            subject_kind="project",
            subject_id=one.project_id,
            subject_name=one.project.name,
        )
        for one in rows.order_by("pk").iterator(BATCH)
    ]
    told += [
        Record(
            at=at,
            who_id=by,
            who_name=names.get(by, "")[:150],
            verb="adoption.accepted" if how == "adopted" else "adoption.linked",
            what=f"{count} resources" if count > 1 else "a resource",
            subject_kind="project",
            subject_id=project,
            subject_name=name,
        )
        for (project, name, by, how, _), (at, count) in _taken_in(apps).items()
    ]
    Record.objects.bulk_create(told, batch_size=BATCH)


def _names(apps):
    names = dict(apps.get_model(settings.AUTH_USER_MODEL).objects.values_list("pk", "username"))
    profiles = apps.get_model("people", "Profile").objects.exclude(display_name="")
    return names | dict(profiles.values_list("user_id", "display_name"))


def _taken_in(apps):
    """What one person took in within a minute: (newest moment, how many)."""
    found = {}
    rows = apps.get_model("projects", "Holding").objects.exclude(how="follows")
    columns = ("project_id", "project__name", "added_by_id", "how", "added_at")
    for project, name, by, how, at in rows.order_by("pk").values_list(*columns).iterator(BATCH):
        minute = at - timedelta(seconds=at.second, microseconds=at.microsecond)
        newest, count = found.get((project, name, by, how, minute), (at, 0))
        found[project, name, by, how, minute] = (max(newest, at), count + 1)
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0003_names_may_stand_twice"),
        ("audit", "0001_who_did_what"),
        ("people", "0001_people"),
    ]

    operations = [
        migrations.AlterField(
            model_name="project",
            name="tags",
            field=models.JSONField(blank=True, default=list, encoder=apps.projects.models.Legible),
        ),
        migrations.RunPython(write_tags, migrations.RunPython.noop),
        migrations.RunPython(record, migrations.RunPython.noop),
    ]
