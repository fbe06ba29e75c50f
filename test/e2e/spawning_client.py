# SPDX-License-Identifier: MIT
# Usage: spawning_client.py HOST PORT: threads that make a connection for every request, while another
# makes children in each of CPython's ways. Prints how many answers were wrong.
import os
import socket
import subprocess
import sys
import threading

THREADS, REQUESTS, CHILDREN = 4, 400, 60
address = (sys.argv[1], int(sys.argv[2]))
wrong, asked = [], []


def fetch(path):
    with socket.create_connection(address) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\n") or b"\r\n\r\n" not in answer or answer.endswith(b"\r\n\r\n"):
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    asked.append(path)
    if not answer.endswith(f"you asked for {path}\n".encode()):
        wrong.append(path)


def work(number):
    for request in range(REQUESTS):
        fetch(f"/thread-{number}/request-{request}/")


def fork():
    child = os.fork()
    if child == 0:
        try:
            fetch("/in-the-child/")
        finally:
            os._exit(len(wrong) > 0)
    return os.waitpid(child, 0)[1]


WAYS = [
    lambda: subprocess.run(["true"]).returncode,
    lambda: subprocess.run(["true"], close_fds=False).returncode,
    lambda: subprocess.run(["true"], preexec_fn=lambda: None).returncode,
    lambda: subprocess.run("true", shell=True, capture_output=True).returncode,
    lambda: os.system("true"),
    lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1],
    fork,
]

threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
for thread in threads:
    thread.start()
failed = sum(WAYS[i % len(WAYS)]() != 0 for i in range(CHILDREN))
for thread in threads:
    thread.join()
print(f"asked {len(asked)}, wrong {len(wrong)}, children that failed {failed}")
print(f"descriptors {len(os.listdir('/proc/self/fd')) < 80}")
