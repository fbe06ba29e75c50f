# SPDX-License-Identifier: MIT
# memcached_pymemcache.py ADDRESS PORT COUNT: a new client of pymemcache for each round.
import sys

from pymemcache.client.base import Client

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    client = Client((address, port))
    stored = client.set(f"key{number % 7}", str(number))
    client.set_many({f"many{i}": str(number + i) for i in range(5)}, noreply=False)
    print(stored, client.get(f"key{number % 7}"), sorted(client.get_many(["many0", "many4"]).items()),
          client.incr("many1", 3, noreply=False), client.delete("many2", noreply=True),
          client.get("many2"))
    client.close()
