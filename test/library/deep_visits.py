# SPDX-License-Identifier: MIT
# Six connections of a plugin that is loaded deeply, to a server in a child process that writes a byte
# for each that it accepts: PLUGIN. Standard library only.
import ctypes
import os
import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(8)
port = server.getsockname()[1]
reader, writer = os.pipe()

child = os.fork()
if child == 0:
    while True:
        connection, _ = server.accept()
        os.write(writer, b".")
        while connection.recv(1000):
            body = b"you asked for /deep\n"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()

plugin = ctypes.CDLL(sys.argv[1], mode=os.RTLD_LAZY | os.RTLD_DEEPBIND)
lengths = {plugin.deep_visit(port, way) for way in (0, 1, 2, 0, 1, 2)}
os.kill(child, 9)
os.waitpid(child, 0)
print("accepted", len(os.read(reader, 1000)), "read", *lengths)
