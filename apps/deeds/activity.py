"""What people let be done stands in the activity of the project in whose name they did it."""

from apps.projects.activity import SOURCES, Source, done

from .acts import ACTIVITY

SOURCES.append(Source(ACTIVITY, done(ACTIVITY)))
