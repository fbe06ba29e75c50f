# SPDX-License-Identifier: MIT
# redis_sessions.py ADDRESS PORT: one connection after the other, each of which leaves something that
# the next must not find. Prints what each was answered.
import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])


def encode(words):
    parts = [word.encode() for word in words.split(" ")]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def read_reply(stream):
    line = stream.readline()
    if line[:1] == b"$" and line[1:2] != b"-":
        return line + stream.read(int(line[1:]) + 2)
    if line[:1] in b"*%>" and line[1:2] != b"-":
        count = int(line[1:]) * (2 if line[:1] == b"%" else 1)
        return line + b"".join(read_reply(stream) for _ in range(count))
    return line


def talk(*commands, unread=0):
    """One connection; the replies to the last `unread` commands are left unread."""
    with socket.create_connection((address, port)) as connection:
        stream = connection.makefile("rb", buffering=0)
        answers = []
        for number, command in enumerate(commands):
            connection.sendall(encode(command))
            if number < len(commands) - unread:
                reply = read_reply(stream)
                # HELLO tells the connection's own number.
                answers.append(b"%map" if command.startswith("HELLO") else reply)
        stream.close()
    print(" | ".join(commands), "->", b" ".join(answers))


LOOK = ("GET k", "CLIENT GETNAME", "PING")

talk("SET k zero")
talk(*LOOK)
for leaving in (("SELECT 3", "SET k three"), ("CLIENT SETNAME somebody", "GET k"),
                ("MULTI", "SET k queued"), ("WATCH k",), ("SUBSCRIBE channel",), ("HELLO 3", "GET k"),
                ("CLIENT REPLY SKIP", "PING"), ("MONITOR",), ("RESET",)):
    talk(*leaving, unread=2 if leaving[0] == "CLIENT REPLY SKIP" else 0)
    talk(*LOOK)
talk("GET k", "GET k", unread=1)
talk(*LOOK)
talk("BLPOP nothing 0", unread=1)
talk(*LOOK)
talk("GET k", "QUIT")
talk(*LOOK)
talk("GET k", "QUIT", unread=1)
talk(*LOOK)
