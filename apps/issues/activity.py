"""What people did to issues stands in the activity of the project in whose name they did it."""

from apps.projects.activity import SOURCES, Source, done

from .told import GROUP

SOURCES.append(Source(GROUP, done(GROUP)))
