from django.db import migrations, models
from django.db.models import F


def remember(apps, _schema_editor):
    """What arrived before stays told."""
    apps.get_model("mirror", "Scope").objects.update(last_event_at=F("events_at"))


class Migration(migrations.Migration):
    dependencies = [("mirror", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="scope",
            name="last_event_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(remember, migrations.RunPython.noop, elidable=True),
    ]
