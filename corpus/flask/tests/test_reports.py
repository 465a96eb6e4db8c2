import os

os.environ.setdefault("API_KEY", "k")


def test_names_are_kept():
    assert "a".strip() == "a"
