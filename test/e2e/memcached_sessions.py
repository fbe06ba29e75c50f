# SPDX-License-Identifier: MIT
# memcached_sessions.py PROTOCOL ADDRESS PORT: one connection after the other, in memcached's "text" or
# "binary" protocol. Prints what each was answered. Those before the line "private" may be reused.
import socket
import struct
import sys

protocol, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
BIG = b"x" * 100000
HUGE = b"x" * (2 << 20)


def show(sent, answer):
    def short(data):
        return data if len(data) < 200 else data[:40] + b"...%d" % len(data)
    print(short(sent), "->", short(answer))


def talk(*exchanges):
    """Each exchange is what is sent, and how the answer to it ends (b"": no answer)."""
    with socket.create_connection((address, port)) as connection:
        for sent, end in exchanges:
            connection.sendall(sent)
            answer = b""
            while end and not answer.endswith(end):
                data = connection.recv(1 << 16)
                if not data:
                    break
                answer += data
            show(sent, answer)


def talk_text():
    line = b"\r\n"
    talk((b"get k\r\n", b"END\r\n"), (b"flush_all\r\n", line))
    talk((b"set k 0 0 100000\r\n" + BIG + line, line), (b"get k\r\n", b"END\r\n"))
    for value in (b"", b"END\r\n", b"VALUE k 0 5\r\n", b"quit"):
        talk((b"set k 7 0 %d\r\n%s\r\n" % (len(value), value), b"STORED\r\n"))
        talk((b"get k absent\r\n", b"\r\nEND\r\n"))
    talk((b"append k 0 0 2\r\n!!\r\n", line), (b"prepend k 0 0 2\r\n??\r\n", line))
    talk((b"add k 0 0 1\r\n1\r\n", line), (b"replace n 0 0 1\r\n1\r\n", line))
    talk((b"cas k 0 0 1 0\r\n1\r\n", line), (b"delete k\r\n", line), (b"delete k\r\n", line))
    talk((b"set n 0 0 2\r\n10\r\n", line), (b"incr n 5\r\n", line), (b"decr n 8\r\n", line))
    talk((b"touch n 60\r\n", line), (b"touch k 60\r\n", line), (b"gat 60 n\r\n", b"END\r\n"))
    talk((b"set t 0 0 1\r\nx\r\nincr t 1\r\nget t\r\n", b"END\r\n"))
    talk((b"stats reset\r\n", b"RESET\r\n"))
    talk((b"stats sizes\r\n", b"END\r\n"))
    talk((b"set k 0 0 %d\r\n%s\r\n" % (len(HUGE), HUGE), line), (b"get k\r\n", b"END\r\n"))
    talk((b"set k 0 0 1 noreply\r\nx\r\n", b""), (b"get k\r\n", b"END\r\n"))
    talk((b"delete k noreply\r\nget k\r\n", b"END\r\n"))
    talk((b"set k 0 0 1\r\nx\r\n" * 50, line * 1 + b"STORED\r\n" * 49), (b"get k\r\n", b"END\r\n"))
    talk((b"ms m 2 T0\r\nhi\r\n", line), (b"mg m v s\r\n", b"hi\r\n"), (b"mg m2 v\r\n", line))
    talk((b"mg m v q\r\nmg m2 v q\r\nmn\r\n", b"MN\r\n"), (b"md m\r\n", line), (b"me m\r\n", line))
    talk((b"ma c N0 J5 v\r\n", b"5\r\n"), (b"ms c 1 C1\r\nx\r\n", line))
    talk((b"get k\n", b"END\r\n"), (b"verbosity 0\r\n", line))
    print("private")
    for leaving in ((b"set k 0 0 %d noreply\r\n%s\r\n" % (len(HUGE), HUGE), b""),
                    (b"set k 0 0 1\r\nxyz\r\n", b""),
                    (b"get " + b"k" * 300 + line, line), (b"watch fetchers\r\n", line),
                    (b"set k 0 0 1 noreply\r\nx\r\n", b""), (b"lru_crawler enable\r\n", line),
                    (b"set k 0 0 4\r\nqu", b""), (b"nonsense\r\n", line)):
        talk((b"get absent\r\n", b"END\r\n"), leaving)
    talk((b"get absent\r\n", b"END\r\n"))


def request(opcode, key=b"", extras=b"", value=b"", opaque=7):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), opaque,
                       0) + body


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_binary(connection):
    header = read_exactly(connection, 24)
    _, opcode, _, _, _, status, body, opaque, _ = struct.unpack(">BBHBBHIIQ", header)
    return opcode, status, opaque, read_exactly(connection, body)


def talk_to_end(sent, last=None):
    """Until an answer to the opcode last, without a body if that is STAT."""
    with socket.create_connection((address, port)) as connection:
        connection.sendall(sent)
        while last is not None:
            opcode, status, opaque, body = read_binary(connection)
            if opcode != 0x10:
                show(b"%#x %#x %d" % (opcode, status, opaque), body)
            if opcode == last and (opcode != 0x10 or not body):
                break


def talk_binary():
    store = struct.pack(">II", 7, 0)
    count = struct.pack(">QQI", 1, 5, 0)
    talk_to_end(request(0x01, b"k", store, b"value"), 0x01)
    talk_to_end(request(0x00, b"k"), 0x00)
    talk_to_end(request(0x0c, b"k", opaque=9) + request(0x0c, b"absent", opaque=8) + request(0x0a), 0x0a)
    talk_to_end(request(0x09, b"k") + request(0x09, b"absent") + request(0x0d, b"k") + request(0x0a), 0x0a)
    talk_to_end(request(0x11, b"q", store, b"quiet") + request(0x12, b"q", store, b"") + request(0x0a), 0x0a)
    talk_to_end(request(0x05, b"n", count), 0x05)
    talk_to_end(request(0x05, b"k", count), 0x05)
    talk_to_end(request(0x04, b"k"), 0x04)
    talk_to_end(request(0x04, b"k"), 0x04)
    talk_to_end(request(0x1c, b"q", struct.pack(">I", 60)), 0x1c)
    talk_to_end(request(0x1d, b"q", struct.pack(">I", 60)), 0x1d)
    talk_to_end(request(0x10), 0x10)
    talk_to_end(request(0x0b), 0x0b)
    talk_to_end(request(0x01, b"k", store, HUGE), 0x01)
    talk_to_end(request(0x08), 0x08)
    print("private")
    talk_to_end(request(0x0a) + request(0x20), 0x20)
    talk_to_end(request(0x09, b"k"))
    talk_to_end(request(0x0a) + request(0x1b), 0x1b)
    talk_to_end(request(0x0a), 0x0a)


talk_text() if protocol == "text" else talk_binary()
