"""Deeds on issues lie with all others; their old addresses lead there."""

import django.db.models.deletion
from django.db import migrations, models

ACTS = {
    "create": "issues.create",
    "comment": "issues.comment",
    "move": "issues.move",
    "assign": "issues.assign",
}
BATCH = 500


def move(apps, _schema):
    """Copy each, as it stands: what is on its way is gone on with where it is now."""
    deeds = apps.get_model("deeds", "Deed")
    former = apps.get_model("issues", "FormerDeed")
    rows = apps.get_model("issues", "Deed").objects.select_related(
        "who", "project", "issue__scope", "tracker__scope"
    )
    for one in rows.order_by("pk").iterator(BATCH):
        on = one.issue if one.what != "create" and one.issue is not None else one.tracker
        scope = on.scope
        name = f"{on.key} {on.title}" if on is one.issue else on.name or on.key
        said = {word: value for word, value in one.said.items() if word != "again"}
        made = {}
        if one.made_key:
            kind = f"{scope.provider}.issue"
            told = {"kind": kind, "key": one.made_key, "name": one.made_key, "url": one.made_url}
            made = {word: value for word, value in told.items() if value}
        new = deeds.objects.create(
            mark=one.mark,
            act=ACTS[one.what],
            kind="issues.issue" if on is one.issue else "issues.tracker",
            row_id=on.pk,
            name=name[:300],
            scope=scope,
            place=(scope.account or scope.place)[:200],
            project=one.project,
            project_name=one.project.name if one.project else "",
            who=one.who,
            who_name=one.who.username[:150] if one.who else "",
            said=said,
            about_kind=one.about_kind,
            about_id=one.about_id,
            about_name=one.about_name,
            asked_at=one.asked_at,
            outcome=one.outcome,
            reason=one.reason,
            made=made,
            begun_at=one.begun_at,
            ended_at=one.ended_at,
            not_before=one.not_before,
            claimed_until=one.claimed_until,
            tries=one.tries,
            looks=one.looks,
            again=bool(one.said.get("again")),
            alone=False,
        )
        former.objects.create(pk=one.pk, deed=new)


class Migration(migrations.Migration):
    dependencies = [
        ("deeds", "0002_what_failed"),
        ("issues", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerDeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "deed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="deeds.deed",
                    ),
                ),
            ],
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
    ]
