"""The servers to compare with; those of other frameworks run where these are installed."""

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from benchmarks.serve_tutorials import TUTORIALS, main

TOP_FOLDER = Path(__file__).parents[2]


def test_an_unknown_framework_is_refused_with_the_choices(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["django", "8000"])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert all(name in told for name in TUTORIALS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_drawn_seven_is_read(name):
    pytest.importorskip(name)
    picture = Image.new("L", (112, 112), 255)
    ImageDraw.Draw(picture).line([(32, 28), (80, 28), (48, 92)], 0, 8)
    file = io.BytesIO()
    picture.save(file, "PNG")
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body += file.getvalue() + b"\r\n--b--\r\n"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.serve_tutorials", name, str(port)]
    with subprocess.Popen(command, cwd=TOP_FOLDER, stdout=subprocess.DEVNULL, env=os.environ) as process:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("POST", "/predict", body, {"content-type": "multipart/form-data; boundary=b"})
            told = json.loads(client.getresponse().read())
            client.close()
        finally:
            process.terminate()
    assert told["digit"] == 7
