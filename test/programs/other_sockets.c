/* SPDX-License-Identifier: MIT
 * Sockets that are not TCP clients, pipes and files, between connections that are. */
#include "program.h"

#include <sys/un.h>

static void datagrams(void)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof addr;
    char bytes[10];
    int receiver = SHOW(socket(AF_INET, SOCK_DGRAM, 0));
    SHOW(bind(receiver, (struct sockaddr *)&addr, sizeof addr));
    SHOW(getsockname(receiver, (struct sockaddr *)&addr, &len));
    int sender = SHOW(socket(AF_INET, SOCK_DGRAM, 0));
    SHOW(connect(sender, (struct sockaddr *)&addr, sizeof addr));
    SHOW(send(sender, "datagram", 8, 0));
    SHOW(recv(receiver, bytes, sizeof bytes, 0));
    SHOW(shutdown(sender, SHUT_WR));
    SHOW(close(sender));
    SHOW(close(sender));
    SHOW(close(receiver));
}

static void unix_stream(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "\0twpool-test"};
    char bytes[10];
    int listener = SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(bind(listener, (struct sockaddr *)&addr, sizeof addr));
    SHOW(listen(listener, 1));
    int client = SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(connect(client, (struct sockaddr *)&addr, sizeof addr));
    int server = SHOW(accept(listener, NULL, NULL));
    SHOW(write(client, "unix", 4));
    SHOW(read(server, bytes, sizeof bytes));
    SHOW(write(server, "back", 4));
    SHOW(read(client, bytes, sizeof bytes));
    SHOW(close(client));
    SHOW(read(server, bytes, sizeof bytes));
    SHOW(close(server));
    SHOW(close(listener));
}

/* A listening socket, and both ends of a connection in one process. */
static void own_server(void)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof addr;
    char bytes[10];
    int listener = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(bind(listener, (struct sockaddr *)&addr, sizeof addr));
    SHOW(listen(listener, 5));
    SHOW(getsockname(listener, (struct sockaddr *)&addr, &len));
    int client = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(client, (struct sockaddr *)&addr, sizeof addr));
    int server = SHOW(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    SHOW(write(server, "from the server", 4));
    SHOW(read(client, bytes, sizeof bytes));
    SHOW(close(server));
    SHOW(read(client, bytes, sizeof bytes));
    SHOW(close(client));
    SHOW(close(listener));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int ends[2];
        fetch(port, "/between");
        datagrams();
        fetch(port, "/between");
        unix_stream();
        fetch(port, "/between");
        own_server();
        SHOW(pipe(ends));
        SHOW(write(ends[1], "pipe", 4));
        SHOW(close(ends[1]));
        show_recv(ends[0], 10, 0);
        SHOW(close(ends[0]));
    }
    return 0;
}
