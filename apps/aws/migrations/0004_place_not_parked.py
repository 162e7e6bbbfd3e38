from django.db import migrations


class Migration(migrations.Migration):
    # Apart from what reads the column: Postgres alters no table it has just written to.
    dependencies = [
        ("aws", "0003_one_decider"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="place",
            name="parked",
        ),
    ]
