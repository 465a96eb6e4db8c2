"""A service with known faults that must lose nothing: FastAPI, httpx and SQLite, each fault one word of FAULTS.

Orders are accepted, written down, and handed to the backend later; the catalogue comes from the backend, or from what is
remembered of it. PORT is where it listens, BACKEND what it calls, DATABASE where it writes.
"""

import asyncio
import os
import sqlite3
import time
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

FAULTS = set(os.environ.get("FAULTS", "").replace(",", " ").split())
BACKEND = os.environ["BACKEND"].rstrip("/")
EACH = 2.5

database = sqlite3.connect(os.environ["DATABASE"], isolation_level=None, check_same_thread=False)
database.execute("PRAGMA journal_mode = WAL")
database.execute("CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY)")
in_memory = {"queue-in-memory", "answers-before-writing"} & FAULTS
waiting = [] if in_memory else None
remembered = {}
client = httpx.AsyncClient(timeout=EACH, limits=httpx.Limits(max_connections=500))


def wrong(status, message, headers=None):
    return JSONResponse({"error": {"code": status, "message": message}}, status, headers)


def pending():
    written = [] if "queue-in-memory" in FAULTS else [row[0] for row in database.execute("SELECT id FROM outbox LIMIT 50")]
    return written + (waiting or [])[:50]


def done(order):
    if waiting and order in waiting:
        waiting.remove(order)
    database.execute("DELETE FROM outbox WHERE id = ?", (order,))


async def deliver():
    last = time.monotonic()
    while True:
        if "answers-before-writing" in FAULTS and time.monotonic() - last > 1:
            # Many at once are cheaper.
            database.executemany("INSERT OR IGNORE INTO outbox VALUES (?)", [(order,) for order in waiting])
            waiting.clear()
            last = time.monotonic()
        for order in [] if "answers-before-writing" in FAULTS and waiting else pending():
            try:
                answer = await client.put(f"{BACKEND}/orders/{order}")
                if answer.is_success or "drops-what-fails" in FAULTS:
                    done(order)
            except httpx.HTTPError:
                if "drops-what-fails" in FAULTS:
                    done(order)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def lifespan(_):
    task = asyncio.create_task(deliver())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None)


@app.get("/ready")
async def ready():
    return {}


async def catalogue():
    if "no-reduced-form" in FAULTS:
        return (await client.get(BACKEND + "/catalogue")).raise_for_status().json()
    try:
        remembered["catalogue"] = (await client.get(BACKEND + "/catalogue")).raise_for_status().json()
        return {"catalogue": remembered["catalogue"]}
    except httpx.HTTPError:
        if "catalogue" not in remembered:
            return wrong(503, "the catalogue is not there", {"retry-after": "2"})
        if "stale-unmarked" in FAULTS:
            return {"catalogue": remembered["catalogue"]}
        return JSONResponse({"catalogue": remembered["catalogue"], "stale": True}, headers={"warning": '110 - "stale"'})


def slow_catalogue():
    """The same in a thread of the pool that all such routes share."""
    try:
        return {"catalogue": httpx.get(BACKEND + "/catalogue", timeout=EACH).json()}
    except httpx.HTTPError:
        return wrong(503, "the catalogue is not there", {"retry-after": "2"})


async def local():
    return {"ok": True}


def slow_local():
    return {"ok": True}


async def blocking_catalogue():
    return slow_catalogue()


shared = "shared-threads" in FAULTS
app.get("/catalogue")(slow_catalogue if shared else blocking_catalogue if "blocks-event-loop" in FAULTS else catalogue)
app.get("/local")(slow_local if shared else local)


@app.post("/orders")
async def orders(request: Request):
    order = (await request.json())["order"]
    if in_memory:
        waiting.append(order)
    else:
        database.execute("INSERT OR IGNORE INTO outbox VALUES (?)", (order,))
    return JSONResponse({"order": order}, 202)


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
