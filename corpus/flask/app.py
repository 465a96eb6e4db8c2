import hmac
import logging
import os
import queue
import subprocess
import threading
import time
import uuid

import requests
from flask import Flask, abort, g, jsonify, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from prometheus_client import Counter, Histogram, generate_latest
from psycopg_pool import ConnectionPool
from pythonjsonlogger.json import JsonFormatter

handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), handlers=[handler])
log = logging.getLogger("reports")

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
limiter = Limiter(
    get_remote_address,
    app=app,
    default_limits=["100 per minute"],
    storage_uri=os.environ["REDIS_URL"],
)
pool = ConnectionPool(os.environ["DATABASE_URL"], max_size=8, timeout=3)
jobs = queue.Queue()

REQUESTS = Counter("http_requests_total", "Requests.", ["endpoint", "status"])
DURATION = Histogram("http_request_duration_seconds", "Duration.", ["endpoint"])


def work():
    while True:
        name = jobs.get()
        subprocess.run(["render", name], check=False, timeout=60)


threading.Thread(target=work, daemon=True).start()


@app.before_request
def begin():
    g.begun = time.monotonic()
    g.request_id = request.headers.get("X-Request-ID", str(uuid.uuid4()))


@app.after_request
def end(response):
    endpoint = request.endpoint or "none"
    DURATION.labels(endpoint).observe(time.monotonic() - g.begun)
    REQUESTS.labels(endpoint, response.status_code).inc()
    response.headers["X-Request-ID"] = g.request_id
    log.info("request", extra={"request_id": g.request_id, "status": response.status_code})
    return response


def require_key():
    given = request.headers.get("X-Api-Key", "")
    if not hmac.compare_digest(given, os.environ["API_KEY"]):
        abort(401)


@app.errorhandler(Exception)
def unexpected(error):
    code = getattr(error, "code", 500)
    if code == 500:
        log.exception("request failed")
    return jsonify(error={"code": code}), code


@app.get("/healthz")
@limiter.exempt
def healthz():
    with pool.connection() as connection:
        connection.execute("SELECT 1")
    requests.get(os.environ["FILES_URL"] + "/healthz", timeout=1, headers={"X-Request-ID": g.request_id})
    return {"database": "up", "files": "up"}


@app.get("/metrics")
@limiter.exempt
def metrics():
    return generate_latest(), 200, {"Content-Type": "text/plain; version=0.0.4"}


@app.get("/reports/<name>")
@limiter.limit("10 per minute")
def report(name):
    require_key()
    answer = requests.get(
        os.environ["FILES_URL"] + f"/files/{name}",
        timeout=(1, 5),
        headers={"X-Request-ID": g.request_id},
    )
    return answer.content


@app.post("/reports")
def create():
    require_key()
    body = request.get_json()
    try:
        note = body["note"]
    except:
        pass
    with pool.connection() as connection:
        connection.execute("INSERT INTO reports (name) VALUES (%s)", (body["name"],))
    jobs.put(body["name"])
    return {"accepted": True}, 202


def old_export(name):
    """subprocess.run(name, shell=True) was used here; it is gone."""
    return name
