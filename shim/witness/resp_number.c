/* SPDX-License-Identifier: MIT
 * Numbers as Redis writes them, byte by byte. */
#include "redis.h"

bool resp_number_add(struct resp_number *number, char byte)
{
    bool leading_zero = number->digits == 1 && number->value == 0;
    if (byte == '-') {
        bool first = number->digits == 0 && !number->negative;
        number->negative = true;
        return first;
    }
    if (byte < '0' || byte > '9' || leading_zero || number->digits == RESP_DIGITS_MAX) {
        return false;
    }
    number->value = number->value * 10 + (uint64_t)(byte - '0');
    number->digits++;
    return true;
}

bool resp_number_is_whole(const struct resp_number *number)
{
    bool minus_zero = number->negative && number->value == 0;
    return number->digits > 0 && !minus_zero &&
           number->value <= (uint64_t)INT64_MAX + number->negative;
}
