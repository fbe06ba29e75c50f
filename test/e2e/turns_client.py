# SPDX-License-Identifier: MIT
# turns_client.py ADDRESS PORT COUNT frames|lines HOW: a client of turns_server.py, a connection for
# each message, that prints what it reads. HOW it treats every third connection: "whole" reads the
# reply to its end, "half" closes after a part of it, "late" gives up before it comes, "twice" asks
# twice and reads one reply, "part" closes amid its own message, "pipelined" asks twice and reads both.
import socket
import struct
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
framed, how = sys.argv[4] == "frames", sys.argv[5]


def message(number):
    text = b"message %d" % number
    return struct.pack(">I", len(text)) + text if framed else text + b"\n"


def read_exactly(connection, size):
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise SystemExit("the server has closed: %r" % parts)
        parts += part
    return parts


def read(connection):
    if framed:
        return read_exactly(connection, struct.unpack(">I", read_exactly(connection, 4))[0])
    line = b""
    while not line.endswith(b"\n"):
        line += read_exactly(connection, 1)
    return line


def live(connection, number):
    habit = how if number % 3 == 2 else "whole"
    if habit == "part":
        connection.sendall(message(number)[:-3])
        return b"asked in part"
    connection.sendall(message(number))
    if habit == "late":
        return b"read nothing"
    if habit == "half":
        return read_exactly(connection, 12)
    if habit in ("twice", "pipelined"):
        connection.sendall(message(-number))
    replies = [read(connection)]
    if habit == "pipelined":
        replies.append(read(connection))
    return b" and ".join(replies)


for number in range(count):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.connect((address, port))
    print(number, live(connection, number))
    connection.close()
