"""A mail server that keeps what it takes, and refuses the recipients it is told to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


class MailServer(socketserver.ThreadingTCPServer):
    """``taken``: letters in order. ``refused``: addresses that do not exist here; ``breaks_at``:
    those it hangs up at. ``most``: letters of one connection, which is broken before the next."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.taken: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.breaks_at: set[str] = set()
        self.most: int | None = None

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast(MailServer, self.server)
        self._say("220 mail.example.org")
        while line := self.rfile.readline().decode().strip():
            verb, address = line[:4].upper(), line.partition("<")[2].rstrip(">")
            if verb == "MAIL" and len(server.taken) == server.most:
                return
            if verb == "RCPT" and address in server.breaks_at:
                return
            if verb == "DATA":
                self._say("354 go on")
                server.taken.append(self._letter())
                self._say("250 taken")
            elif verb == "RCPT" and address in server.refused:
                self._say("550 nobody of that name")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _letter(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        found = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a free port of this machine."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
