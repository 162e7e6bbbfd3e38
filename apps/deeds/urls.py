"""Addresses of deeds."""

from django.urls import path

from . import list_views, permit_views, views

app_name = "deeds"
urlpatterns = [
    path("", list_views.deeds, name="deeds"),
    path("deeds.<str:form>", list_views.export, name="export"),
    path("<int:pk>/", views.deed, name="deed"),
    path("<int:pk>/decide/", views.decide, name="decide"),
    path("ask/<str:name>/<int:row_id>/", views.ask, name="ask"),
    path("ask/<str:name>/<int:row_id>/effect/", views.effect, name="effect"),
    path("on/<str:kind>/<int:row_id>/", views.on, name="on"),
    path("accounts/<int:pk>/", permit_views.permit, name="permit"),
]
