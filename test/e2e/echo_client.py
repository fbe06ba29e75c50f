# SPDX-License-Identifier: MIT
# echo_client.py ADDRESS PORT COUNT [HOW]: a client of the home-made protocol, a connection per
# message. HOW is how it treats its connections: "whole" reads each reply to its end, "unseen" talks
# through a handle of libc itself, "dprintf" lets libc write.
import ctypes
import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
how = sys.argv[4] if len(sys.argv) > 4 else "whole"
libc = ctypes.CDLL("libc.so.6", use_errno=True)


def exchange(connection, message):
    if how == "whole":
        connection.sendall(message)
        return connection.recv(1000)
    if how == "dprintf":
        libc.dprintf(connection.fileno(), b"%s", message)
        return connection.recv(1000)
    reply = ctypes.create_string_buffer(1000)
    libc.send(connection.fileno(), message, len(message), 0)
    received = libc.recv(connection.fileno(), reply, len(reply), 0)
    return reply.raw[:received]


failures = wrong = 0
for number in range(count):
    message = b"message %d\n" % number
    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.connect((address, port))
    except OSError as error:
        failures += 1
        if failures == 1:
            print("first error:", error.strerror)
        connection.close()
        continue
    wrong += exchange(connection, message) != b"echo: " + message
    connection.close()
print("succeeded %d, failed %d, wrong %d" % (count - failures, failures, wrong))
sys.exit(wrong != 0 or failures != 0)
