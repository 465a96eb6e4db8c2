#!/bin/sh
# Asks a deployed service whether it is ready, healthy, of this version, and closed to strangers: smoke.sh URL VERSION.
set -eu
url=$1
version=$2

curl -fsS --max-time 5 --retry 5 --retry-all-errors "$url/ready" >/dev/null
health=$(curl -fsS --max-time 5 "$url/health")
case $health in
  *"\"version\":\"$version\""*) ;;
  *) echo "not version $version: $health" >&2; exit 1 ;;
esac
case $health in
  *'"status":"healthy"'*) ;;
  *) echo "not healthy: $health" >&2; exit 1 ;;
esac
status=$(curl -sS --max-time 5 -o /dev/null -w '%{http_code}' -X POST "$url/leads")
[ "$status" = 401 ] || { echo "POST /leads without a token: $status" >&2; exit 1; }
