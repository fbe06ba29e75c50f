/* SPDX-License-Identifier: MIT
 * Escapes what RFC 8259 asks for, and lets only well-formed UTF-8 through. */
#include "json.h"

#include <string.h>

static size_t character_len(const unsigned char *bytes, size_t len);
static void add_ascii(struct text *text, unsigned char c);

void json_add_bytes(struct text *text, const char *bytes, size_t len)
{
    text_add_char(text, '"');
    for (size_t i = 0; i < len;) {
        size_t character = character_len((const unsigned char *)bytes + i, len - i);
        if (character == 0)
            text_add(text, "\\ufffd");
        else if (character == 1)
            add_ascii(text, (unsigned char)bytes[i]);
        else
            text_add_bytes(text, bytes + i, character);
        i += character == 0 ? 1 : character;
    }
    text_add_char(text, '"');
}

void json_add(struct text *text, const char *string)
{
    json_add_bytes(text, string, strlen(string));
}

static void add_ascii(struct text *text, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        text_add_char(text, '\\');
        text_add_char(text, (char)c);
    } else if (c < 0x20 || c == 0x7f) { /* DEL need not be, but nobody wants it in a log */
        text_add(text, "\\u00");
        text_add_char(text, digits[c >> 4]);
        text_add_char(text, digits[c & 0xf]);
    } else {
        text_add_char(text, (char)c);
    }
}

/* The length of the well-formed character at the start, 0 for none: the table of RFC 3629, section
 * 4, by which there are no overlong forms, no surrogates and nothing above U+10FFFF. */
static size_t character_len(const unsigned char *bytes, size_t len)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t len;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (bytes[0] < forms[i].first_min || bytes[0] > forms[i].first_max)
            continue;
        if (len < forms[i].len || bytes[1] < forms[i].second_min || bytes[1] > forms[i].second_max)
            return 0;
        for (size_t at = 2; at < forms[i].len; at++)
            if ((bytes[at] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}
