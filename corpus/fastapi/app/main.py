import secrets
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import BaseModel, Field

from app import database, reviews
from app.logs import log
from app.settings import settings

bearer = HTTPBearer()


def require_token(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> None:
    if not secrets.compare_digest(credentials.credentials, settings.api_token):
        raise HTTPException(status_code=401, detail="invalid token")


class Product(BaseModel):
    sku: str = Field(max_length=40)
    name: str = Field(max_length=200)
    price: int = Field(gt=0)


@asynccontextmanager
async def lifespan(app: FastAPI):
    log.info("starting")
    yield
    await reviews.client.aclose()
    await database.engine.dispose()


app = FastAPI(title="catalog", lifespan=lifespan)
Instrumentator().instrument(app).expose(app)


@app.exception_handler(Exception)
async def unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse({"error": {"code": "internal"}}, status_code=500)


@app.get("/livez")
async def livez():
    await database.ping()
    return {"status": "ok"}


@app.get("/readyz")
async def readyz():
    await database.ping()
    await reviews.ping()
    return {"database": "up", "reviews": "up"}


@app.get("/products/{sku}", dependencies=[Depends(require_token)])
async def product(sku: str):
    found = await database.find(sku)
    if found is None:
        raise HTTPException(status_code=404)
    try:
        about = await reviews.of(sku)
    except Exception:
        log.warning("reviews are not there", sku=sku)
        about = None
    return {**found, "reviews": about, "complete": about is not None}


@app.get("/products", dependencies=[Depends(require_token)])
async def products(words: str):
    return await database.search(words)


@app.post("/products", status_code=201, dependencies=[Depends(require_token)])
async def add(product: Product):
    await database.add(product.sku, product.name, product.price)
    return {"sku": product.sku}
