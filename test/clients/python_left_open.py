# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: connections that are never closed, by a program that ends without tidying up.
import os
import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
kept = []
for number in range(count):
    connection = socket.create_connection((address, port))
    connection.sendall(b"GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (number, address.encode()))
    print(connection.recv(10000).splitlines()[-1])
    kept.append(connection)
sys.stdout.flush()
os._exit(0)
