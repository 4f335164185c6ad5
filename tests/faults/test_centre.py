"""What the killed server's client makes of an answer that breaks off."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from tests.faults.centre import Centre


def test_an_answer_that_breaks_off_after_its_head_is_no_answer(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def die_in_the_middle() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")

        threading.Thread(target=die_in_the_middle, daemon=True).start()
        centre = Centre(tmp_path, tmp_path, port=server.getsockname()[1])

        assert centre.call("POST", "incidents/", {}) is None
