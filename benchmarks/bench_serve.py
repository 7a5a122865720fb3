"""How fast `jaxdigits serve` answers, whether it grows, and how it takes hostile requests.

    python -m benchmarks.bench_serve            some 10 minutes on 2 cores; keep the machine quiet
    python -m benchmarks.bench_serve --quick    half a minute: does everything run? Writes nothing

The server runs as a user runs it, the client (`benchmarks.serve_client`) in a process of its own on the same machine.
28 x 28 pictures of MNIST's test images are sent as PNG and as JSON; the same model behind the usual tutorial code of
Flask and FastAPI (`benchmarks.serve_tutorials`) is asked the same. Then memory is measured over 50,000 requests, and
20,000 malformed requests are sent (`benchmarks.fuzz`). It writes `serve.json`, and from that file alone `serve.md`. It
needs the extra `serve` and Flask; MNIST is found where `jaxdigits.load_mnist` looks for it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzz import attack
from benchmarks.results import TOP_FOLDER, describe_environment, write_results
from jaxdigits import JaxDigitsError, load_mnist

__all__ = ["main", "make_report", "passes"]

RESULTS = Path(__file__).parent / "results"
GATES = {"per_second": 250, "ratio": 3.0, "alone_ms": 10.0, "growth": 1.05}
CONNECTIONS = (1, 8, 64)
SECONDS = 20.0
N_BODIES = 256
BOUNDARY = "0123456789abcdef"
TARGETS = {
    "jaxdigits": "/api/v1/predict",
    "fastapi": "/predict",
    "flask": "/predict",
}
FULL = {"seconds": SECONDS, "warm_up": 2.0, "first": 1_000, "last": 50_000, "hostile": 20_000}
QUICK = {"seconds": 1.0, "warm_up": 0.5, "first": 100, "last": 500, "hostile": 200}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 1 if a figure misses its gate; 2 if MNIST or a server cannot be had.
    """
    args = _parse(arguments)
    size = QUICK if args.quick else FULL
    try:
        images = np.asarray(load_mnist()[1])[:N_BODIES].reshape(-1, 28, 28)
        loads = [row for name in TARGETS for row in _load_target(name, images, size)]
        with _serving("jaxdigits") as (port, pid):
            memory = _measure_memory(port, pid, images, size)
        with _serving("jaxdigits") as (port, pid):
            faults = _measure_faults(port, pid, size)
    except (JaxDigitsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    results = {
        **describe_environment(),
        "gates": GATES,
        "size": size,
        "loads": loads,
        "memory": memory,
        "faults": faults,
    }
    report = make_report(results)
    print(report)
    if args.quick:
        return 0
    write_results(args.output / "serve.json", results)
    (args.output / "serve.md").write_text(report, encoding="utf-8")
    return 0 if passes(results) else 1


def make_report(results: dict[str, Any]) -> str:
    """Write the page with the tables, in Markdown, from the results alone.

    Parameters
    ----------
    results : dict
        What `main` writes.

    Returns
    -------
    str
    """
    machine, gates, memory, faults = (results[key] for key in ("machine", "gates", "memory", "faults"))
    rows = [
        f"| {row['server']} | {row['body']} | {row['connections']} | {row['per_second']:,.0f} | "
        f"{row['median_ms']:.1f} | {row['p99_ms']:.1f} | {row['server_ms']:.2f} | {row['errors']} |"
        for row in results["loads"]
    ]
    counts = ", ".join(f"{count:,} x {status}" for status, count in faults["statuses"].items())
    lines = [
        "# The server",
        "",
        f"28 x 28 pictures of MNIST's test images, one a request, for {results['size']['seconds']:g} s each, server "
        f"and client on the same {machine['cores']} cores of {machine['processor']}. Wanted of PNG at 64 connections: "
        f"at least {gates['per_second']} requests a second with the slowest hundredth within {gates['ratio']:g} times "
        f"the median; alone in under {gates['alone_ms']:g} ms; not one error. `fastapi` and `flask` are the same model "
        "behind the code of their tutorials, which take forms.",
        "",
        "| server | body | connections | requests / s | median ms | p99 ms | server's CPU, ms a request | errors |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
        *rows,
        "",
        f"Memory: {memory['before_mib']:.1f} MiB after {memory['first']:,} requests, {memory['after_mib']:.1f} MiB "
        f"after {memory['last']:,} ({100 * (memory['after_mib'] / memory['before_mib'] - 1):+.1f} %).",
        "",
        f"Faults: {faults['requests']:,} malformed and hostile requests in {faults['seconds']:.0f} s ({counts}): "
        f"{len(faults['problems'])} answered otherwise than by a reading or a refusal in the documented form; all of "
        f"{faults['good']:,} good requests in between were answered; memory grew from {faults['before_mib']:.1f} to "
        f"{faults['after_mib']:.1f} MiB.",
    ]
    return "\n".join(lines) + "\n"


def passes(results: dict[str, Any]) -> bool:
    """Tell whether the results meet their gates.

    Parameters
    ----------
    results : dict
        What `main` writes.

    Returns
    -------
    bool
    """
    gates, memory = results["gates"], results["memory"]
    own = {(row["body"], row["connections"]): row for row in results["loads"] if row["server"] == "jaxdigits"}
    busy, alone = own["PNG", max(CONNECTIONS)], own["PNG", 1]
    return bool(
        all(row["errors"] == 0 for row in own.values())
        and busy["per_second"] >= gates["per_second"]
        and busy["p99_ms"] < gates["ratio"] * busy["median_ms"]
        and alone["median_ms"] < gates["alone_ms"]
        and memory["after_mib"] <= gates["growth"] * memory["before_mib"]
        and not results["faults"]["problems"]
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_serve", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a second each: does everything run? Writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help=f"where results go ({RESULTS})")
    return parser.parse_args(arguments)


@contextmanager
def _serving(name: str) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own; give its port and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["jaxdigits", "serve", "--port", str(port)]
    if name != "jaxdigits":
        words = ["benchmarks.serve_tutorials", name, str(port)]
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=TOP_FOLDER, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise OSError(f"the server ended with status {process.returncode} before it answered")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise OSError("the server did not answer within a minute")


def _make_bodies(images: Any, kind: str) -> tuple[str, list[bytes]]:
    if kind == "JSON":
        return "application/json", [json.dumps({"pixels": image.ravel().tolist()}).encode() for image in images]
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        files.append(file.getvalue())
    if kind == "PNG":
        return "image/png", files
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    head += "Content-Type: image/png\r\n\r\n"
    forms = [head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode() for file in files]
    return f"multipart/form-data; boundary={BOUNDARY}", forms


def _ask(port: int, path: str, bodies: tuple[str, list[bytes]], **options: Any) -> dict[str, Any]:
    task = {"port": port, "path": path, "kind": bodies[0], "bodies": [base64.b64encode(b).decode() for b in bodies[1]]}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serve_client"],
        input=json.dumps({**task, **options}),
        cwd=TOP_FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"the client failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _load_target(name: str, images: Any, size: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    with _serving(name) as (port, pid):
        for kind in ("PNG", "JSON", "form") if name == "jaxdigits" else ("form",):
            bodies = _make_bodies(images, kind)
            for connections in CONNECTIONS:
                before = _count_seconds(pid)
                found = _ask(
                    *(port, TARGETS[name], bodies),
                    connections=connections,
                    seconds=size["seconds"],
                    warm_up=size["warm_up"],
                )
                rows.append(_tabulate(name, kind, connections, found, _count_seconds(pid) - before))
                print(
                    f"{name} {kind} {connections}: {rows[-1]['per_second']:,.0f} a second", file=sys.stderr, flush=True
                )
    return rows


def _tabulate(name: str, kind: str, connections: int, found: dict[str, Any], seconds: float) -> dict[str, Any]:
    latencies, n_answers = found["latencies"], sum(found["statuses"].values())
    return {
        "server": name,
        "body": kind,
        "connections": connections,
        "per_second": round(len(latencies) / found["seconds"], 1),
        "median_ms": round(1000 * latencies[len(latencies) // 2], 3),
        "p99_ms": round(1000 * latencies[int(0.99 * len(latencies))], 3),
        "server_ms": round(1000 * seconds / n_answers, 3),
        "errors": n_answers - found["statuses"].get("200", 0) + found["broken"],
    }


def _count_seconds(pid: int) -> float:
    """CPU seconds that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _count_mebibytes(pid: int) -> float:
    """Memory that a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _measure_memory(port: int, pid: int, images: Any, size: dict[str, Any]) -> dict[str, Any]:
    bodies = _make_bodies(images, "PNG")
    measured = []
    for count in (size["first"], size["last"] - size["first"]):
        found = _ask(port, TARGETS["jaxdigits"], bodies, connections=8, seconds=3600.0, warm_up=0.0, count=count)
        if found["statuses"].keys() != {"200"}:
            raise OSError(f"the server answered {found['statuses']}")
        measured.append(round(_count_mebibytes(pid), 2))
    return {"first": size["first"], "last": size["last"], "before_mib": measured[0], "after_mib": measured[1]}


def _measure_faults(port: int, pid: int, size: dict[str, Any]) -> dict[str, Any]:
    attack(port, max(size["hostile"] // 20, 50), seed=1)  # what is loaded at need is there from here on
    before, began = _count_mebibytes(pid), time.perf_counter()
    found = attack(port, size["hostile"], seed=0)
    seconds = time.perf_counter() - began
    memory = {"before_mib": round(before, 2), "after_mib": round(_count_mebibytes(pid), 2)}
    return {**found, **memory, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    sys.exit(main())
