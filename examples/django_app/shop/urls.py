"""Where the shop listens."""

from django.urls import path

from shop import views

urlpatterns = [path("orders", views.order), path("newsletters", views.newsletter)]
