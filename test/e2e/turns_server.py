# SPDX-License-Identifier: MIT
# turns_server.py PORT frames|lines: a home-made protocol in which each message is answered by one,
# sent in two parts. Messages have a length of 4 bytes, big-endian, before them; or are lines. On
# SIGTERM it says how many connections there were.
import signal
import socketserver
import struct
import sys
import time

framed = sys.argv[2] == "frames"
seen = {"connections": 0}


class Handler(socketserver.StreamRequestHandler):
    def read(self):
        if not framed:
            return self.rfile.readline()
        header = self.rfile.read(4)
        return header and self.rfile.read(struct.unpack(">I", header)[0])

    def answer(self, message):
        reply = b"answer to " + message
        whole = struct.pack(">I", len(reply)) + reply if framed else reply
        self.wfile.write(whole[:9])
        time.sleep(0.001)
        self.wfile.write(whole[9:])

    def handle(self):
        seen["connections"] += 1
        try:
            for message in iter(self.read, b""):
                self.answer(message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a client that leaves unread bytes resets: so it does without the library


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def stop(*_):
    print("connections: %d" % seen["connections"])
    sys.stdout.flush()
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
