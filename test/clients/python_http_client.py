# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: http.client.
import http.client
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    connection = http.client.HTTPConnection(address, port)
    connection.request("GET", f"/{number}")
    response = connection.getresponse()
    print(response.status, response.read())
    connection.close()
