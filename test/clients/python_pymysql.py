# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: PyMySQL.
import sys

import pymysql

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    connection = pymysql.connect(host=address, port=port, user="root")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", (number,))
        print(cursor.fetchall())
    connection.close()
