/* SPDX-License-Identifier: MIT
 * The settings of this process, as the constructor read them. */
#ifndef TWPOOL_SHIM_SETTINGS_H
#define TWPOOL_SHIM_SETTINGS_H

#include "config.h"

/* Never NULL; everything off until the constructor has run, read-only afterwards. */
const struct config *settings(void);

#endif
