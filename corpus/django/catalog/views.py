import logging
import os

import requests
from django.db import connection
from django.http import JsonResponse
from rest_framework import generics, serializers

from catalog.models import Product

log = logging.getLogger(__name__)


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "name", "sku", "cents"]


class ProductList(generics.ListCreateAPIView):
    queryset = Product.objects.order_by("id")
    serializer_class = ProductSerializer


class ProductDetail(generics.RetrieveAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer


def price(request, pk):
    product = Product.objects.get(pk=pk)
    answer = requests.get(os.environ["TAX_URL"] + "/rates")
    rate = answer.json()["rate"]
    log.info("price asked for")
    return JsonResponse({"cents": round(product.cents * (1 + rate))})


def healthz(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    requests.get(os.environ["TAX_URL"] + "/healthz", timeout=1)
    return JsonResponse({"database": "up", "tax": "up"})
