# SPDX-License-Identifier: MIT
# burst_client.py ADDRESS PORT: a Redis client that opens 30 connections at once, uses each of them,
# and closes them all, five times.
import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])
right = 0
for burst in range(5):
    connections = []
    for number in range(30):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.connect((address, port))
        connections.append(connection)
    for number, connection in enumerate(connections):
        connection.sendall(b"ECHO value-%d-%02d\r\n" % (burst, number))
        right += connection.recv(100) == b"$10\r\nvalue-%d-%02d\r\n" % (burst, number)
    for connection in connections:
        connection.close()
print("bursts of 30, 5 times, %d right answers" % right)
