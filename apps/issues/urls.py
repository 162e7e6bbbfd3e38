"""Paths of the pages of issues, below /issues/."""

from django.urls import path

from . import acting_views, views

app_name = "issues"
urlpatterns = [
    path("", views.issues, name="issues"),
    path("trackers/", views.trackers, name="trackers"),
    path("trackers/<int:pk>/", views.tracker, name="tracker"),
    path("new/", acting_views.new, name="new"),
    path("preview/", acting_views.preview, name="preview"),
    path("deeds/<int:pk>/", acting_views.former, name="former"),
    path("of/<str:kind>/<int:pk>/", acting_views.of_failure, name="of_failure"),
    path("<int:pk>/", views.issue, name="issue"),
    path("<int:pk>/named/", views.named_by, name="named"),
    path("<int:pk>/comment/", acting_views.comment, name="comment"),
    path("<int:pk>/move/", acting_views.move, name="move"),
    path("<int:pk>/assign/", acting_views.assign, name="assign"),
]
