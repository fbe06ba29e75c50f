# SPDX-License-Identifier: MIT
# echo_server.py PORT: a home-made protocol: a line is answered by "echo: " and the line. On SIGTERM
# it says how its connections ended; anything unexpected is a traceback, as in any Python server.
import signal
import socketserver
import sys

ends = {"normal": 0}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"echo: " + line)
        ends["normal"] += 1


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def stop(*_):
    print("normal ends of stream: %d" % ends["normal"])
    sys.stdout.flush()
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
