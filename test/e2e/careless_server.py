# SPDX-License-Identifier: MIT
# careless_server.py PORT [greet]: HTTP whose response comes in two parts, 60 ms apart; with "greet"
# a server that speaks first. On SIGTERM it says how many connections there were.
import signal
import socketserver
import sys
import time

greet = len(sys.argv) > 2 and sys.argv[2] == "greet"
seen = {"connections": 0}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        seen["connections"] += 1
        try:
            self.greet() if greet else self.answer()
        except (BrokenPipeError, ConnectionResetError):
            pass  # a client that leaves unread bytes resets: so it does without the library

    def greet(self):
        self.wfile.write(b"220 hello\r\n")
        for line in self.rfile:
            self.wfile.write(b"250 " + line)

    def answer(self):
        while True:
            request = self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            if not request:
                return
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            time.sleep(0.06)
            self.wfile.write(b"later")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def stop(*_):
    print("connections: %d" % seen["connections"])
    sys.stdout.flush()
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
