# SPDX-License-Identifier: MIT
# Three HTTP requests, each on a connection of its own, to a server in a child process that says in
# its last answer how many connections it has accepted. Standard library only.
import os
import socket
import threading

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(8)
address = server.getsockname()

if os.fork() == 0:
    asked = accepted = 0
    while asked < 3:
        connection, _ = server.accept()
        accepted += 1
        while asked < 3 and connection.recv(1000):
            asked += 1
            body = b"accepted %d\n" % accepted
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()
    os._exit(0)

server.close()
for _ in range(3):
    client = socket.create_connection(address)
    client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    answer = client.recv(1000)
    thread = threading.Thread(target=lambda: None)  # is no child, which would share the connection
    thread.start()
    thread.join()
    client.close()
print(answer.decode().splitlines()[-1])
