from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mirror", "0002_scope_last_event_at")]

    operations = [
        migrations.AddField(
            model_name="readtoend",
            name="upto",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
    ]
