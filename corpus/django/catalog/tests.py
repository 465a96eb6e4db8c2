from django.test import TestCase


class ProductTests(TestCase):
    def test_products_need_a_token(self):
        self.assertEqual(self.client.get("/api/products").status_code, 401)
