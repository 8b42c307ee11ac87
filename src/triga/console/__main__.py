"""The console's process, as ``start_console`` starts it: ``python -m triga.console``, its order on standard input.

The order is a line of JSON (so that the token stands in no argument list and no environment); the pipe stays open as
long as the parent lives, and its end, however it comes about, ends this process.
"""

from __future__ import annotations

import json
import socket
import sys
import threading

from triga.console.run import serve_pages
from triga.core.errors import TrigaError

__all__ = ["main"]


def main() -> int:
    order = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=[stop], daemon=True).start()
    try:
        with socket.socket(fileno=order["fd"]) as listener:
            serve_pages(
                listener,
                order["api_url"],
                token=order["token"],
                examples=order["examples"],
                on_ready=_tell,
                stop=stop,
            )
    except TrigaError as error:
        sys.stderr.write(f"{error.text()}\n")
        return error.exit_code
    return 0


def _wait_for_end(stop: threading.Event) -> None:
    while sys.stdin.read(1024):
        pass
    stop.set()


def _tell(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
