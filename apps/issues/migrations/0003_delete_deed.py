"""What deeds on issues lay in is not needed any more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("issues", "0002_deeds_lie_with_all_others")]

    operations = [migrations.DeleteModel(name="Deed")]
