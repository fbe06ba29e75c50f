# SPDX-License-Identifier: MIT
"""A legacy client: requests.get() in a loop, one new connection for each request.

Usage: requests_loop.py URL COUNT. Prints "done", "failed" and "error" lines, tab-separated."""

import collections
import sys

import requests


def innermost(error):
    """What the system said, without the layers of exceptions around it."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error)


def main():
    url, count = sys.argv[1], int(sys.argv[2])
    done = 0
    errors = collections.Counter()

    for number in range(count):
        path = f"/{number}"
        try:
            response = requests.get(url + path)
        except requests.RequestException as error:
            errors[innermost(error)] += 1
            continue
        if response.status_code == 200 and response.text == path + "\n":
            done += 1
        else:
            errors["an answer to another request, or a broken one"] += 1

    print("done", done, sep="\t")
    print("failed", errors.total(), sep="\t")
    for text, times in errors.most_common(1):
        print("error", f"{text} ({times} times)", sep="\t")


main()
