/* SPDX-License-Identifier: MIT
 * Fetches twice from a server of somebody else's, and says so by its status. */
#include "program.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        broken("errand PORT");
    fetch((uint16_t)atoi(argv[1]), "/one");
    fetch((uint16_t)atoi(argv[1]), "/two");
    return 7;
}
