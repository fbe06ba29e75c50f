/* SPDX-License-Identifier: MIT
 * A program that replaces itself by another, several times, leaving idle connections behind. */
#include "program.h"

extern char **environ;

int main(int argc, char **argv)
{
    if (argc > 2) {
        uint16_t port = (uint16_t)atoi(argv[1]);
        int round = atoi(argv[2]);
        say("round %d", round);
        show_descriptors();
        fetch(port, "/after-exec");
        char next[12], *arguments[] = {argv[0], argv[1], next, NULL};
        snprintf(next, sizeof next, "%d", round + 1);
        if (round == 1)
            SHOW(execl("/no/such/program", "x", NULL));
        fetch(port, "/before-the-next-exec");
        if (round == 1)
            execv(argv[0], arguments);
        if (round == 2)
            execvp(argv[0], arguments);
        if (round == 3)
            execl(argv[0], argv[0], argv[1], next, NULL);
        if (round == 4)
            execle(argv[0], argv[0], argv[1], next, NULL, environ);
        return round;
    }
    /* The server's parent must stay the same process. */
    uint16_t port = serve(SERVICE_HTTP);
    char port_text[12], *arguments[] = {argv[0], port_text, "1", NULL};
    snprintf(port_text, sizeof port_text, "%u", port);
    fetch(port, "/first");
    fetch(port, "/second");
    execve(argv[0], arguments, environ);
    broken("execve");
}
