from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(
    settings.database_url,
    pool_size=10,
    pool_timeout=3,
    connect_args={"timeout": 2, "command_timeout": 3},
)
session = async_sessionmaker(engine)


async def find(sku: str):
    async with session() as db:
        found = await db.execute(text("SELECT sku, name, price FROM products WHERE sku = :sku"), {"sku": sku})
        return found.mappings().first()


async def search(words: str):
    async with session() as db:
        found = await db.execute(text(f"SELECT sku, name FROM products WHERE name ILIKE '%{words}%'"))
        return found.mappings().all()


async def add(sku: str, name: str, price: int):
    async with session() as db:
        await db.execute(
            text("INSERT INTO products (sku, name, price) VALUES (:sku, :name, :price)"),
            {"sku": sku, "name": name, "price": price},
        )
        await db.commit()


async def ping():
    async with session() as db:
        await db.execute(text("SELECT 1"))
