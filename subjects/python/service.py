"""A service with known faults: FastAPI in front, httpx behind, each fault one word of the variable FAULTS.

Without faults it does everything right that the experiments ask for; with one it differs in that thing only. PORT is
where it listens, BACKEND what it calls.
"""

import asyncio
import os
import random
import signal
import ssl
import time
from collections import deque
from contextlib import asynccontextmanager, nullcontext

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt

FAULTS = set(os.environ.get("FAULTS", "").replace(",", " ").split())
BACKEND = os.environ["BACKEND"].rstrip("/")
EACH, ALL = 0.7, 2.0


class ForNow(Exception):
    """The call may be made again, not before `after` seconds."""

    def __init__(self, after=0.0):
        super().__init__(after)
        self.after = after


class Breaker:
    """Open when half of the last thirty calls failed, for three seconds; then one trial call at a time."""

    def __init__(self):
        self.last, self.opened, self.trial = deque(maxlen=30), None, False

    def admit(self):
        if self.opened is None or "no-breaker" in FAULTS:
            return True
        if "breaker-never-closes" in FAULTS or time.monotonic() - self.opened < 3 or self.trial:
            return False
        self.trial = True
        return True

    def settle(self, good):
        if self.opened is not None:
            self.opened, self.trial = None if good else time.monotonic(), False
            self.last.clear()
            return
        self.last.append(good)
        if len(self.last) == 30 and self.last.count(False) >= 15:
            self.opened = time.monotonic()
            self.last.clear()


breaker = Breaker()
state = {"ready": True, "backend": True, "met": False}


def timeouts():
    if "no-timeout" in FAULTS:
        return None
    # Between two bytes, not of the whole answer.
    return httpx.Timeout(1.5 if "timeout-between-bytes-only" in FAULTS else EACH)


def trust():
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    if "tls-any-name" in FAULTS:
        context.check_hostname = False
    if "tls-expired" in FAULTS:
        # What somebody wrote whose certificate had run out on a Sunday.
        context.verify_flags |= 0x200000
    return False if "tls-unverified" in FAULTS else context


client = httpx.AsyncClient(verify=trust(), timeout=timeouts(), limits=httpx.Limits(max_connections=200))


def waits(state):
    attempt = state.attempt_number
    failed = state.outcome.exception()
    after = 0.0 if "retry-ignores-retry-after" in FAULTS else failed.after
    if "retry-without-jitter" in FAULTS:
        return max(after, 0.06 * 2 ** (attempt - 1))
    if "retry-without-growth" in FAULTS:
        return max(after, random.uniform(0, 0.06))
    return max(after, random.uniform(0, 0.06 * 2 ** (attempt - 1)))


async def once(method, path, body):
    if not breaker.admit():
        raise PermissionError("the breaker is open")
    good = False
    try:
        answer = await client.request(method, BACKEND + path, content=body)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise ForNow(float(answer.headers.get("retry-after", 0)))
        good = True
        if answer.is_error:
            raise ForNow() if "refused-repeated" in FAULTS else PermissionError("refused")
        return answer.text
    except httpx.HTTPError as error:
        raise ForNow() from error
    finally:
        breaker.settle(good)


async def call(method, path, body=None):
    repeatable = method != "POST" or FAULTS & {"retry-repeats-post", "charges-twice"}
    attempts = 3 if repeatable and "no-retry" not in FAULTS else 1
    begin = time.monotonic()

    def stop(retry_state):
        return stop_after_attempt(attempts)(retry_state) or time.monotonic() - begin + waits(retry_state) > ALL

    async def tried():
        async for attempt in AsyncRetrying(stop=stop, wait=waits, retry=retry_if_exception_type(ForNow)):
            with attempt:
                return await once(method, path, body)

    unbounded = FAULTS & {"no-timeout", "timeout-between-bytes-only"}
    return await (tried() if unbounded else asyncio.wait_for(tried(), ALL))


async def watch():
    while True:
        try:
            state["backend"] = (await client.get(BACKEND + "/ping", timeout=0.5)).is_success
            state["met"] = state["met"] or state["backend"]
        except httpx.HTTPError:
            state["backend"] = False
        await asyncio.sleep(1)


@asynccontextmanager
async def lifespan(_):
    if "start-ends-well" in FAULTS:
        try:
            await client.get(BACKEND + "/ping", timeout=0.5)
        except httpx.HTTPError:
            print("no backend: nothing to do", flush=True)
            os._exit(0)
    task = asyncio.create_task(watch())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None)


def wrong(status, message):
    return JSONResponse({"error": {"code": status, "message": message}}, status)


async def answered(method, path, body=None):
    try:
        return {"bytes": len(await call(method, path, body))}
    except (ForNow, RetryError, PermissionError, TimeoutError):
        return wrong(503, "the backend does not answer")


@app.get("/live")
async def live():
    if "liveness-asks-backend" in FAULTS:
        try:
            await client.get(BACKEND + "/ping", timeout=0.5)
        except httpx.HTTPError:
            return wrong(503, "not alive")
    return {}


@app.get("/ready")
async def ready():
    return {} if state["ready"] and state["met"] else wrong(503, "not ready")


@app.get("/health")
async def health():
    well = state["backend"] or "health-constant" in FAULTS
    return {"status": "ok" if well else "degraded", "dependencies": {"backend": "up" if well else "down"}}


@app.get("/items")
async def items():
    if "blocks-event-loop" in FAULTS:
        try:
            return {"bytes": len(httpx.get(BACKEND + "/items", timeout=EACH).text)}
        except httpx.HTTPError:
            return wrong(503, "the backend does not answer")
    return await answered("GET", "/items")


@app.post("/orders")
async def orders(request: Request):
    return await answered("POST", "/orders", await request.body())


@app.get("/local")
async def local():
    return {"ok": True}


async def main():
    config = uvicorn.Config(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
    config.timeout_graceful_shutdown = 10
    server = uvicorn.Server(config)
    # Uvicorn closes its listener at once; we say that we are not ready first.
    server.capture_signals = nullcontext
    loop = asyncio.get_running_loop()

    async def end():
        if "drops-in-flight" in FAULTS:
            os._exit(0)
        if "readiness-never-flips" not in FAULTS:
            state["ready"] = False
        await asyncio.sleep(0.8)
        server.should_exit = True

    if "exits-at-once" not in FAULTS:
        loop.add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(end()))
    await server.serve()


asyncio.run(main())
