# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a client of redis-py for each question.
import sys

import redis

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    client = redis.Redis(address, port)
    client.set("number", number)
    print(client.get("number"))
    client.close()
