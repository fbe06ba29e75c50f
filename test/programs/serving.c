/* SPDX-License-Identifier: MIT
 * The server of the small programs by itself: says its port, and serves until it is stopped. */
#include "program.h"

int main(void)
{
    say("%u", serve(SERVICE_HTTP));
    for (;;)
        pause();
}
