import django.db.models.deletion
from django.db import migrations, models


def fill(apps, _schema_editor):
    """What each deed kept as text of what its thing belonged to becomes rows that an index finds."""
    deed, within = apps.get_model("deeds", "Deed"), apps.get_model("deeds", "Within")
    rows = []
    for one in deed.objects.exclude(within=[]).iterator():
        for told in one.within:
            kind, _, row_id = told.rpartition(":")
            if (kind, int(row_id)) != (one.kind, one.row_id):
                rows.append(within(deed=one, kind=kind, row_id=int(row_id)))
    within.objects.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("deeds", "0003_a_person_had_it_looked_for"),
    ]

    operations = [
        migrations.CreateModel(
            name="Within",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=64)),
                ("row_id", models.BigIntegerField()),
                (
                    "deed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="belongs",
                        to="deeds.deed",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "belongings",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "row_id", "deed"), name="deed_within_once"
                    )
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
