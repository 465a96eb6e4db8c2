from django.urls import include, path

from catalog import views

urlpatterns = [
    path("", include("django_prometheus.urls")),
    path("healthz", views.healthz),
    path("api/products", views.ProductList.as_view()),
    path("api/products/<int:pk>", views.ProductDetail.as_view()),
    path("api/products/<int:pk>/price", views.price),
]
