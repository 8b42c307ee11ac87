"""The server against a plain FastAPI handler that calls the same model once a request, over loopback, in one sitting.

    python benchmarks/bench_serve.py BUNDLE [--texts FILE] [--clients 1 8 32] [--seconds 3] [--rounds 5]

Both run the same ``Pipeline`` on the same engine and threads. Callers are closed loops: each sends one text, waits for
the answer, sends the next; they speak HTTP from a process of their own through bare sockets, so that little of the two
cores is spent on them. The two servers take turns in every round. One JSON line for each server and number of callers:
medians over the rounds with their least and greatest, latency percentiles over all requests, and the server's CPU time
a request, which says more than the rest on a machine that does other things as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sitting import sitting

TEXTS = (
    "Where is my parcel? It should have been here on Monday.",
    "I would like to send the shoes back, they are too small.",
    "refund",
    "The app crashes every time I open the basket on my old phone, what can I do about it?",
    "我的快递到哪里了？已经三天没有更新了。",
    "可以开发票吗",
    "我想把收货地址改成公司的，订单昨天晚上刚下，还没有发货，请帮我处理一下，谢谢。",
    "Hello!",
)
MAX_TEXTS = 500


def main() -> None:
    arguments = _arguments()
    if arguments.role == "serve":
        _serve_triga(arguments.bundle)
    elif arguments.role == "plain":
        _serve_plain(arguments.bundle)
    elif arguments.role == "call":
        print(json.dumps(asyncio.run(_call(arguments))))
    else:
        _compare(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--texts", type=Path, help="one text a line")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    parser.add_argument("--role", choices=["serve", "plain", "call"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


# -- the two servers --------------------------------------------------------------------------------------------------


def _serve_triga(bundle: Path) -> None:
    from triga.serve.run import serve

    serve(bundle, port=0, on_ready=lambda url: print(url.rpartition(":")[2], flush=True))


def _serve_plain(bundle: Path) -> None:
    """What one writes in ten minutes: a pydantic model, a handler in FastAPI's thread pool, a call of the model."""
    import socket

    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    from triga.predict.pipeline import Pipeline

    pipeline = Pipeline.open(bundle)
    app = FastAPI()

    class Body(BaseModel):
        inputs: list[str]

    def predict(body: Body) -> list[dict[str, Any]]:
        return [answer.as_dict() for answer in pipeline.predict(body.inputs)]

    predict.__annotations__["body"] = Body  # the class is local, so that FastAPI cannot find it by name
    app.post("/v1/predict")(predict)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])


@contextmanager
def _running(role: str, bundle: Path) -> Iterator[tuple[int, psutil.Process]]:
    process = subprocess.Popen([*_self(bundle), "--role", role], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


# -- the callers ------------------------------------------------------------------------------------------------------


async def _call(arguments: argparse.Namespace) -> dict[str, Any]:
    requests = [_request(text) for text in read_texts(arguments.texts)]
    (num_clients,) = arguments.clients
    end = time.perf_counter() + arguments.seconds
    parts = await asyncio.gather(
        *(_client(arguments.port, requests[i:] + requests[:i], end) for i in range(num_clients))
    )
    return {"latencies_ms": [value for part in parts for value in part], "seconds": arguments.seconds}


def read_texts(path: Path | None) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path else TEXTS
    return [line for line in lines if line.strip()][:MAX_TEXTS]


def _request(text: str) -> bytes:
    body = json.dumps({"inputs": [text]}, ensure_ascii=False).encode()
    head = (
        "POST /v1/predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
    )
    return head.format(len(body)).encode() + body


async def _client(port: int, requests: Sequence[bytes], end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies: list[float] = []
    while (begin := time.perf_counter()) < end:
        writer.write(requests[len(latencies) % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        latencies.append((time.perf_counter() - begin) * 1e3)
    writer.close()
    return latencies


def _measure(
    server: tuple[int, psutil.Process], num_clients: int, arguments: argparse.Namespace, seconds: float
) -> dict[str, Any]:
    port, process = server
    command = [*_self(arguments.bundle), "--role", "call", "--port", str(port), "--clients", str(num_clients)]
    command += ["--seconds", str(seconds), *(["--texts", str(arguments.texts)] if arguments.texts else [])]
    before = process.cpu_times()
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    after = process.cpu_times()
    return {**result, "cpu_s": after.user + after.system - before.user - before.system}


def _self(bundle: Path) -> list[str]:
    return [sys.executable, __file__, str(bundle)]


# -- the comparison ---------------------------------------------------------------------------------------------------


def _compare(arguments: argparse.Namespace) -> None:
    lines: list[dict[str, Any]] = []
    with _running("serve", arguments.bundle) as triga_server, _running("plain", arguments.bundle) as plain_server:
        servers = {"triga": triga_server, "plain": plain_server}
        for num_clients in arguments.clients:
            for server in servers.values():
                _measure(server, num_clients, arguments, min(arguments.seconds, 1))  # warm
            rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
            for _ in range(arguments.rounds):
                for name, server in servers.items():
                    rounds[name].append(_measure(server, num_clients, arguments, arguments.seconds))
            for name, results in rounds.items():
                lines.append({"server": name, "clients": num_clients, **_summary(results)})
                print(json.dumps({**lines[-1], **facts(arguments.bundle)}), flush=True)
    if arguments.write:
        arguments.write.write_text(_table(lines, facts(arguments.bundle), arguments), encoding="utf-8")


def _summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rates = [len(result["latencies_ms"]) / result["seconds"] for result in results]
    latencies = [value for result in results for value in result["latencies_ms"]]
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return {
        "server_cpu_ms": round(sum(result["cpu_s"] for result in results) / len(latencies) * 1e3, 3),
        "requests_per_s": round(statistics.median(rates), 1),
        "requests_per_s_range": [round(min(rates), 1), round(max(rates), 1)],
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p99_ms": round(p99, 2),
    }


def _table(lines: Sequence[dict[str, Any]], about: dict[str, Any], arguments: argparse.Namespace) -> str:
    plain = {line["clients"]: line["requests_per_s"] for line in lines if line["server"] == "plain"}
    size = about["engine_bytes"] / 2**20
    return "\n".join(
        [
            "# Serving on a CPU beside a plain FastAPI handler",
            "",
            f"`python benchmarks/bench_serve.py BUNDLE`, {about['sitting']}.",
            f"The bundle of {about['model']}, {about['engine']} ({size:.1f} MiB), served by `triga serve` and by a",
            "FastAPI handler that calls the same pipeline once a request, in turn; one text a request;",
            f"{arguments.rounds} rounds of {arguments.seconds:g} s. The callers share the cores with the server.",
            "",
            "| callers | server | requests/s, median (min–max) | times plain | p50, p95, p99 ms | CPU ms a request |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_row(line, plain[line["clients"]]) for line in lines),
            "",
        ]
    )


def _row(line: dict[str, Any], plain: float) -> str:
    rate, (least, most) = line["requests_per_s"], line["requests_per_s_range"]
    latencies = f"{line['p50_ms']}, {line['p95_ms']}, {line['p99_ms']}"
    return (
        f"| {line['clients']} | {line['server']} | {rate:,.0f} ({least:,.0f}–{most:,.0f}) | {rate / plain:.2f} | "
        f"{latencies} | {line['server_cpu_ms']} |"
    )


def facts(bundle: Path) -> dict[str, Any]:
    settings = json.loads((bundle / "triga.json").read_text(encoding="utf-8"))
    engine = settings["engine"]
    return {
        "model": settings["name"],
        "engine": engine,
        "engine_bytes": (bundle / engine).stat().st_size,
        "load": round(os.getloadavg()[0], 1),
        "sitting": sitting("onnxruntime", "uvicorn", "fastapi"),
    }


if __name__ == "__main__":
    main()
