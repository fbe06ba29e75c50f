/* SPDX-License-Identifier: MIT
 * What the plugins for RTLD_DEEPBIND export. */
#ifndef TWPOOL_TEST_DEEP_H
#define TWPOOL_TEST_DEEP_H

#include <stdint.h>

/* How the functions of libc are called: by the table of calls, or through words that hold their
 * addresses. */
enum deep_way { DEEP_CALLS, DEEP_CONSTANT, DEEP_VARIABLE, DEEP_PACKED, DEEP_IN_TEXT };

#ifndef VISIT
#define VISIT deep_visit
#define OWN_CALLS deep_own_calls
#define CONNECT deep_connect
#endif

/* The whole life of a connection to 127.0.0.1:port. Returns the length of the response, or less
 * than 0. */
int VISIT(uint16_t port, enum deep_way way);

/* What its connect() is. */
void *CONNECT(void);

/* How often the object's own connect() was called. */
int OWN_CALLS(void);

/* Of a dependency, and through the plugin that brings it. */
int dependency_visit(uint16_t port, enum deep_way way);
int dependency_own_calls(void);
int deep_visit_dependency(uint16_t port, enum deep_way way);
int deep_dependency_own_calls(void);

#endif
