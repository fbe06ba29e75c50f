# SPDX-License-Identifier: MIT
# fastcgi_requests.py ADDRESS PORT SCRIPT COUNT: requests to a FastCGI responder, a connection for each;
# every tenth has two, every seventh is one after which the server is to close. Prints the answers.
import socket
import struct
import sys

address, port, script, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def record(kind, request, content=b""):
    padding = -len(content) % 8
    return struct.pack("!BBHHBB", 1, kind, request, len(content), padding, 0) + content + bytes(padding)


def stream(kind, request, content):
    pieces = [content[at:at + 32768] for at in range(0, len(content), 32768)]
    return b"".join(record(kind, request, piece) for piece in pieces) + record(kind, request)


def pair(name, value):
    name, value = name.encode(), value.encode()
    return struct.pack("!II", len(name) | 1 << 31, len(value) | 1 << 31) + name + value


def request(number, keep, query, body):
    params = {"SCRIPT_FILENAME": script, "REQUEST_METHOD": "POST", "QUERY_STRING": query,
              "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/octet-stream"}
    return (record(BEGIN, number, struct.pack("!HB5x", 1, keep))
            + stream(PARAMS, number, b"".join(pair(*each) for each in params.items()))
            + stream(STDIN, number, body))


def read_answer(reader):
    answer = {STDOUT: b"", STDERR: b""}
    while True:
        _, kind, number, length, padding, _ = struct.unpack("!BBHHBB", reader.read(8))
        content = reader.read(length)
        reader.read(padding)
        if kind == END:
            return number, answer[STDOUT].partition(b"\r\n\r\n")[2], answer[STDERR], content[:5]
        answer[kind] += content


def show(number, output, errors, end):
    print(number, output[:60], len(output), errors, end)


for turn in range(count):
    with socket.create_connection((address, port)) as connection:
        reader = connection.makefile("rb")
        for _ in range(2 if turn % 10 == 0 else 1):
            query = f"turn={turn}&n={turn % 5 * 20000}" + ("&e=1" if turn % 4 == 0 else "")
            keep = 0 if turn % 7 == 3 and turn % 10 != 0 else 1
            connection.sendall(request(1 + turn % 3, keep, query, b"y" * (turn % 6 * 20000)))
            show(*read_answer(reader))
        reader.close()
