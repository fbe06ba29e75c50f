/* SPDX-License-Identifier: MIT
 * ADDRESS PORT COUNT: connections that are never closed, but by the program's end. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    int count = atoi(argv[3]);
    for (int number = 0; number < count; number++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char request[100], response[10000];
        snprintf(request, sizeof request, "GET /%d HTTP/1.1\r\nHost: server\r\n\r\n", number);
        if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0 ||
            send(fd, request, strlen(request), 0) < 0) {
            perror("left_open");
            return 1;
        }
        ssize_t length = recv(fd, response, sizeof response - 1, 0);
        response[length < 0 ? 0 : length] = '\0';
        const char *body = strstr(response, "\r\n\r\n");
        fputs(body == NULL ? "no answer\n" : body + strlen("\r\n\r\n"), stdout);
    }
    return 0;
}
