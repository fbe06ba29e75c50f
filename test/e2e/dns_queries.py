# SPDX-License-Identifier: MIT
# dns_queries.py ADDRESS PORT COUNT: queries over TCP, a connection for each, by dnspython; and some by
# hand, with several on one connection. Prints what was answered.
import socket
import struct
import sys

import dns.message
import dns.query
import dns.rdatatype

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
kinds = [dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.TXT, dns.rdatatype.ANY]


def show(answer):
    print(answer.question[0], dns.rcode.to_text(answer.rcode()),
          sorted(str(records) for records in answer.answer))


for number in range(count):
    kind = kinds[number % len(kinds)]
    query = dns.message.make_query(f"host{number % 9}.example", kind, use_edns=number % 2 == 0)
    show(dns.query.tcp(query, address, port=port))


def read_message(stream):
    length, = struct.unpack("!H", stream.read(2))
    return dns.message.from_wire(stream.read(length))


for number in range(20):
    with socket.create_connection((address, port)) as connection:
        stream = connection.makefile("rb", buffering=0)
        queries = [dns.message.make_query(f"host{i}.example", "A", id=100 + i) for i in range(3)]
        wires = [query.to_wire() for query in queries]
        connection.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires))
        for answer in sorted((read_message(stream) for _ in queries), key=lambda each: each.id):
            show(answer)
        stream.close()
