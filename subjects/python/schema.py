"""Prints the schema of the database of DATABASE_URL."""

import os
import sqlite3

database = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
for (text,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"):
    print(text)
