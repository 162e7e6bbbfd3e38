from django.db import migrations, models

from apps.audit.kept import unguard


def let_go(apps, schema_editor):
    """The triggers name every column; `post_migrate` puts them back."""
    unguard(schema_editor.connection, apps.get_model("deeds", "Deed"))


class Migration(migrations.Migration):
    dependencies = [
        ("deeds", "0004_what_it_was_done_within"),
    ]

    operations = [
        migrations.RunPython(let_go, migrations.RunPython.noop),
        migrations.RemoveField(model_name="deed", name="within"),
        migrations.AddIndex(
            model_name="deed",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)),
                fields=["-ended_at"],
                name="deeds_ended",
            ),
        ),
    ]
