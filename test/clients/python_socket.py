# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand.
import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    with socket.create_connection((address, port)) as connection:
        connection.sendall(b"GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (number, address.encode()))
        response = connection.makefile("rb")
        length = 0
        while (line := response.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        print(response.read(length))
        response.close()
