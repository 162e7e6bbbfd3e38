"""Who chose a project in the making, besides whoever goes on with it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def name_makers(apps, _editor):
    """So far whoever went on with one had made it."""
    apps.get_model("wizard", "Bootstrap").objects.update(maker=F("who"))


class Migration(migrations.Migration):
    dependencies = [
        ("wizard", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="bootstrap",
            name="maker",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(name_makers, migrations.RunPython.noop),
    ]
