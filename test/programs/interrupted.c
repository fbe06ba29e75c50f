/* SPDX-License-Identifier: MIT
 * A signal at every moment of close(), connect() and others, whose handler closes, connects and
 * talks itself, or never returns: what can come of it, and that no connection is mixed up. */
#include "tagged.h"
#include "tracer.h"

#include <setjmp.h>
#include <signal.h>

/* Instructions past each system call: the library may be anywhere between two of its own. */
static const int instructions[] = {0, 2, 5, 9, 14, 20, 28, 40, 60, 90};
enum { STEPS = sizeof instructions / sizeof *instructions };
enum { OUTCOMES_MAX = 16, OUTCOME_LEN = 200 };

enum operation { CLOSE, OVERWRITE, CONNECT, SEND, RECEIVE, POLL, SOCKET };
enum reaction {
    RETURN,   /* nothing */
    EXCHANGE, /* a whole life of another connection */
    END,      /* closes the one that was interrupted */
    TAKE,     /* closes it, and opens another at its number */
    USE,      /* asks and reads on it */
    JOIN,     /* connects it */
    FORK,     /* a child closes it */
    JUMP      /* siglongjmp() */
};

static const char *const operations[] = {"close", "dup2", "connect", "send",
                                         "recv",  "poll", "socket"};
static const char *const reactions[] = {"returns", "exchanges",   "closes it", "takes its number",
                                        "uses it", "connects it", "forks",     "jumps"};

static int fd, taken, null;
static enum reaction reaction;
static volatile sig_atomic_t raised;
static char handled[OUTCOME_LEN], request[TAGGED_REQUEST_MAX], response[TAGGED_RESPONSE_MAX];
static ssize_t received;
static sigjmp_buf out;

static const char *shown(long result)
{
    return result == -1 ? strerrorname_np(errno) : "done";
}

static const char *connect_it(void)
{
    struct sockaddr_in addr = loopback(tagged_port);
    return shown(connect(fd, (struct sockaddr *)&addr, sizeof addr));
}

static void close_in_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        close(fd);
        _exit(0);
    }
    if (waitpid(child, NULL, 0) != child)
        broken("waitpid");
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    int saved = errno, other;
    raised = 1;
    switch (reaction) {
    case RETURN:
        break;
    case EXCHANGE:
        other = tagged_connect();
        strcpy(handled, tagged_exchange(other));
        close(other);
        break;
    case END:
        strcpy(handled, shown(close(fd)));
        break;
    case TAKE:
        strcpy(handled, shown(close(fd)));
        taken = socket(AF_INET, SOCK_STREAM, 0);
        strcat(handled, taken == fd ? " same" : " ANOTHER NUMBER");
        break;
    case USE:
        strcpy(handled, tagged_exchange(fd));
        break;
    case JOIN:
        strcpy(handled, connect_it());
        break;
    case FORK:
        close_in_child();
        break;
    case JUMP:
        siglongjmp(out, 1);
    }
    errno = saved;
}

/* Before the signal may come. */
static int set_up(enum operation operation)
{
    int tag = tagged_next();
    fd = tagged_connect();
    if (operation == CLOSE || operation == OVERWRITE)
        tagged_exchange(fd);
    if (operation == CONNECT || operation == SOCKET) {
        tagged_exchange(fd);
        close(fd);
        fd = operation == CONNECT ? socket(AF_INET, SOCK_STREAM, 0) : -1;
        return tag;
    }
    tagged_request(request, sizeof request, tag);
    if (operation != RECEIVE && operation != POLL)
        return tag;
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    poll(&polled, 1, 1000);
    return tag;
}

/* Nothing but the call. */
static long operate(enum operation operation)
{
    struct sockaddr_in addr = loopback(tagged_port);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    switch (operation) {
    case CLOSE:
        return close(fd);
    case OVERWRITE:
        return dup2(null, fd);
    case CONNECT:
        return connect(fd, (struct sockaddr *)&addr, sizeof addr);
    case SEND:
        return send(fd, request, strlen(request), MSG_NOSIGNAL);
    case RECEIVE:
        return received = recv(fd, response, sizeof response - 1, 0);
    case POLL:
        return poll(&polled, 1, 1000);
    case SOCKET:
        return fd = socket(AF_INET, SOCK_STREAM, 0);
    }
    return 0;
}

/* What can still be done with the interrupted one. */
static const char *finish(enum operation operation, int tag, bool jumped)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    if (fcntl(fd, F_GETFD) < 0)
        return "closed";
    if (fcntl(fd, F_GETFL) == fcntl(null, F_GETFL) && lseek(fd, 0, SEEK_CUR) == 0)
        return "overwritten";
    if (reaction == TAKE || operation == CONNECT || operation == SOCKET ||
        (jumped && operation == CLOSE))
        connect_it();
    if (operation == CLOSE || operation == OVERWRITE || operation == CONNECT || reaction == TAKE ||
        operation == SOCKET)
        return tagged_exchange(fd);
    if (operation == SEND && poll(&polled, 1, jumped ? 5 : 1000) == 0)
        return "not sent";
    return tagged_receive(fd, tag, MSG_DONTWAIT);
}

/* One life with the signal at one moment, as a line. */
static void live(enum operation operation, int calls, int steps, char *outcome)
{
    volatile bool jumped = false;
    const char *volatile result = "";
    int lowest = dup(null), tag = set_up(operation);
    raised = 0;
    handled[0] = '\0';
    taken = -1;
    if (sigsetjmp(out, 1) == 0) {
        tracer_arm(calls, steps);
        long done = operate(operation);
        tracer_disarm();
        result = operation == RECEIVE ? tagged_judge(response, received, tag) : shown(done);
    } else {
        tracer_disarm();
        jumped = true;
        if (operation == SOCKET)
            fd = lowest + 1; /* the next free number, where there is a socket already */
    }
    const char *after = finish(operation, tag, jumped);
    if (jumped)
        snprintf(outcome, OUTCOME_LEN, "jumped, then %s", after);
    else if (raised)
        snprintf(outcome, OUTCOME_LEN, "%s, in the handler %s, then %s", result, handled, after);
    else
        snprintf(outcome, OUTCOME_LEN, "%s, then %s", result, after);
    close(fd);
    strcat(strcat(outcome, ", next "), tagged_verify());
    int now_lowest = dup(null);
    if (now_lowest != lowest + 1)
        strcat(outcome, ", A NUMBER LOST");
    close(now_lowest);
    close(lowest);
}

static char outcomes[OUTCOMES_MAX][OUTCOME_LEN];
static int outcome_count;

static void add_outcome(const char *outcome)
{
    for (int i = 0; i < outcome_count; i++)
        if (strcmp(outcomes[i], outcome) == 0)
            return;
    if (outcome_count == OUTCOMES_MAX)
        broken("too many outcomes");
    strcpy(outcomes[outcome_count++], outcome);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void interrupt(enum operation operation, enum reaction by)
{
    char outcome[OUTCOME_LEN];
    int times = 0;
    reaction = by;
    outcome_count = 0;
    do {
        live(operation, times / STEPS, instructions[times % STEPS], outcome);
        if (raised)
            add_outcome(outcome);
    } while (times++ % STEPS != 0 || raised); /* beyond the last call no signal comes */
    if (times < STEPS)
        broken("no signal came");
    qsort(outcomes, (size_t)outcome_count, sizeof *outcomes, by_text);
    say("%s interrupted by a handler that %s:", operations[operation], reactions[by]);
    for (int i = 0; i < outcome_count; i++)
        say("    %s", outcomes[i]);
}

int main(int argc, char **argv)
{
    static const struct {
        enum operation operation;
        enum reaction reaction;
    } plays[] = {
        {CLOSE, EXCHANGE},     {CLOSE, END},     {CLOSE, TAKE},     {CLOSE, USE},
        {CLOSE, FORK},         {CLOSE, JUMP},    {CONNECT, JOIN},   {CONNECT, EXCHANGE},
        {CONNECT, END},        {CONNECT, TAKE},  {CONNECT, FORK},   {CONNECT, JUMP},
        {SEND, EXCHANGE},      {SEND, END},      {SEND, TAKE},      {SEND, JUMP},
        {RECEIVE, EXCHANGE},   {RECEIVE, END},   {RECEIVE, TAKE},   {RECEIVE, JUMP},
        {OVERWRITE, EXCHANGE}, {OVERWRITE, END}, {OVERWRITE, TAKE}, {OVERWRITE, JUMP},
        {POLL, EXCHANGE},      {POLL, END},      {POLL, JUMP},      {SOCKET, EXCHANGE},
        {SOCKET, JUMP},
    };
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)argc;
    tracer_start(argv);
    tagged_open_most = 18; /* with four idle, it has 14 */
    tagged_port = serve(SERVICE_HTTP);
    null = open("/dev/null", O_RDWR);
    sigaction(SIGUSR1, &action, NULL);
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        interrupt(plays[i].operation, plays[i].reaction);
    show_descriptors();
    return 0;
}
