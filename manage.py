#!/usr/bin/env python
"""Django's command line for CodeStar Dash."""

import os
import sys


def main() -> None:
    """Run one management command; a setting that cannot be used is one clear line, no traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here: run make up, or .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"codestar-dash: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
