/* SPDX-License-Identifier: MIT
 * A library that is there when others are linked, and not when they are loaded. */
int absent(void);
int absent(void)
{
    return 0;
}
