# SPDX-License-Identifier: MIT
# careless_client.py ADDRESS PORT COUNT HOW: a client that treats its connections badly, and prints
# what it sees: "half" closes after half a response, "never" reads nothing, "ahead" leaves at once,
# "gives-up" times out between two parts, "greeted" talks to a server that speaks first.
import select
import socket
import sys

address, port, count, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
request = b"GET /careless HTTP/1.1\r\nHost: test\r\n\r\n"


def live(connection):
    if how == "greeted":
        greeting = connection.recv(100)
        connection.sendall(b"noop\r\n")
        return greeting + connection.recv(100)
    connection.sendall(request)
    if how == "ahead":
        return b"left at once"
    select.select([connection], [], [], 5)
    if how == "never":
        return b"read nothing"
    if how == "half":
        return connection.recv(20)
    part = connection.recv(1000)
    connection.settimeout(0.01)
    try:
        return part + connection.recv(1000)
    except socket.timeout:
        return part + b" and then nothing"


for number in range(count):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.connect((address, port))
    print(number, live(connection))
    connection.close()
