import httpx
from tenacity import retry, stop_after_attempt, wait_random_exponential

from app.settings import settings

client = httpx.AsyncClient(base_url=settings.reviews_url, timeout=2.0)


@retry(stop=stop_after_attempt(3), wait=wait_random_exponential(multiplier=0.2, max=2), reraise=True)
async def of(sku: str) -> list[dict]:
    answer = await client.get(f"/reviews/{sku}")
    answer.raise_for_status()
    return answer.json()


async def ping() -> None:
    answer = await client.get("/healthz")
    answer.raise_for_status()
