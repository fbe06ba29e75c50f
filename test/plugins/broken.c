/* SPDX-License-Identifier: MIT
 * A plugin that cannot be loaded: it needs what is nowhere. */
int absent(void);
int deep_broken(void);
int deep_broken(void)
{
    return absent();
}
