# SPDX-License-Identifier: MIT
# goodbye_client.py PROTOCOL ADDRESS PORT COUNT: a connection per question, each ended by the
# protocol's goodbye: "mysql" by PyMySQL, "redis" and "memcached" by hand. Prints the answers.
import socket
import sys

protocol, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def ask_mysql(number):
    import pymysql
    connection = pymysql.connect(host=address, port=port, user="root")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s + 1", (number,))
        answer = cursor.fetchall()
    connection.close()
    return answer


def ask_redis(number):
    with socket.create_connection((address, port)) as connection:
        connection.sendall(b"*2\r\n$4\r\nECHO\r\n$6\r\n%06d\r\n" % number)
        answer = connection.recv(1000)
        connection.sendall(b"*1\r\n$4\r\nQUIT\r\n")
        return answer + connection.recv(1000)


def ask_memcached(number):
    with socket.create_connection((address, port)) as connection:
        connection.sendall(b"set key 0 0 6\r\n%06d\r\n" % number)
        answer = connection.recv(1000)
        connection.sendall(b"quit\r\n")
        return answer


ask = {"mysql": ask_mysql, "redis": ask_redis, "memcached": ask_memcached}[protocol]
for number in range(count):
    print(ask(number))
