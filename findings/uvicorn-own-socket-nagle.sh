#!/usr/bin/env bash
# Guess: a server that is given a listening socket answers as fast as one that binds for itself.
# Found: asyncio sets TCP_NODELAY only on sockets made with proto=IPPROTO_TCP. uvicorn on `socket.socket(AF_INET, SOCK_STREAM)`
# answers each further request of a kept connection about 40 ms late (Nagle's algorithm waits for a delayed acknowledgement).
# Exits with 1 if that changes. Needs python3 and pip; everything goes to a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 h11==0.16.0
cat > "$folder/measure.py" <<'PY'
import http.client, socket, statistics, threading, time
import uvicorn

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

def median_ms(proto):
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, proto)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="h11", loop="asyncio", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    client = http.client.HTTPConnection(*listening.getsockname())
    taken = []
    for _ in range(30):
        began = time.perf_counter()
        client.request("GET", "/")
        client.getresponse().read()
        taken.append((time.perf_counter() - began) * 1000)
    client.close()
    server.should_exit = True
    thread.join(5)
    return statistics.median(taken)

plain, named = median_ms(0), median_ms(socket.IPPROTO_TCP)
print(f"uvicorn {uvicorn.__version__}: {plain:.1f} ms a request without the protocol, {named:.1f} ms with it")
raise SystemExit(0 if plain > 30 > 5 * named else 1)
PY
timeout 60 "$folder/venv/bin/python" "$folder/measure.py"
