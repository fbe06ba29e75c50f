/* SPDX-License-Identifier: MIT
 * Parses and matches the rules per destination. */
#include "rules.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED_PREFIX = 96 }; /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */

static const char *const names[RULE_COUNT] = {
    [RULE_OFF] = "off",           [RULE_CLEAN] = "clean", [RULE_AUTO] = "auto",
    [RULE_HTTP] = "http",         [RULE_REDIS] = "redis", [RULE_RAW] = "raw",
    [RULE_MEMCACHE] = "memcache", [RULE_DNS] = "dns",     [RULE_FASTCGI] = "fastcgi",
    [RULE_LINES] = "lines",       [RULE_FRAME] = "frame",
};

static struct span take_entry(struct span *list);
static bool parse_entry(struct span entry, struct rule_entry *rule, struct span *offending);
static bool parse_choice(struct span word, struct rule_choice *choice, struct span *offending);
static bool parse_frame(struct span list, struct frame *frame);
static bool parse_width(struct span span, uint8_t *width);
static bool parse_order(struct span span, bool *little_endian);
static bool parse_adjust(struct span span, int32_t *adjust);
static bool parse_dest(struct span dest, struct rule_entry *rule);
static bool parse_address(struct span address, int family, struct rule_entry *rule);
static bool parse_prefix(struct span prefix, struct rule_entry *rule);
static bool parse_port(struct span port, struct rule_entry *rule);
static void normalize(struct rule_entry *rule);
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned int bits);
static struct span take_until(struct span *rest, const char *stops);

bool rules_parse(struct config *config, struct span list, struct span *offending)
{
    uint32_t count = 0;
    config->rule_count = 0; /* until all are understood: with one entry gone, a later and wider one
                             * would match in its place, and might allow what was forbidden */
    while (list.len > 0) {
        struct span entry = span_trim(take_entry(&list));
        if (entry.len == 0)
            continue;
        *offending = entry;
        if (count == RULES_MAX || !parse_entry(entry, &config->rules[count], offending))
            return false;
        count++;
    }
    config->rule_count = count;
    return true;
}

struct rule_choice config_rule(const struct config *config, const struct dest_key *key)
{
    bool mapped = dest_key_is_mapped(key);
    const uint8_t *address = mapped ? key->address + MAPPED_PREFIX / 8 : key->address;
    uint8_t family = mapped ? AF_INET : (uint8_t)key->family;
    uint16_t port = ntohs(key->port);

    for (uint32_t i = 0; i < config->rule_count; i++) {
        const struct rule_entry *entry = &config->rules[i];
        if (entry->port != 0 && entry->port != port)
            continue;
        if (entry->family == 0)
            return entry->choice;
        if (entry->family == family && bits_equal(entry->address, address, entry->prefix))
            return entry->choice;
    }
    return (struct rule_choice){.rule = RULE_AUTO};
}

const char *rule_name(enum rule rule)
{
    return names[rule];
}

void rule_format(struct rule_choice choice, struct text *text)
{
    const struct frame *frame = &choice.frame;
    text_add(text, rule_name(choice.rule));
    if (choice.rule != RULE_FRAME)
        return;
    text_add_char(text, '(');
    text_add_number(text, frame->offset);
    text_add_char(text, ',');
    text_add_number(text, frame->width);
    text_add(text, frame->little_endian ? ",le," : ",be,");
    text_add_number(text, frame->adjust);
    text_add_char(text, ')');
}

/* Up to the next comma that is in no parentheses; the comma is taken as well. */
static struct span take_entry(struct span *list)
{
    bool inside = false;
    size_t len = 0, taken;
    while (len < list->len && (inside || list->start[len] != ',')) {
        inside = list->start[len] == '(' || (inside && list->start[len] != ')');
        len++;
    }
    struct span entry = {list->start, len};
    taken = len < list->len ? len + 1 : len;
    list->start += taken;
    list->len -= taken;
    return entry;
}

static bool parse_entry(struct span entry, struct rule_entry *rule, struct span *offending)
{
    struct span word = entry;
    struct span dest = span_take(&word, '=');
    memset(rule, 0, sizeof *rule);
    if (!parse_choice(word, &rule->choice, offending) || !parse_dest(dest, rule))
        return false;
    normalize(rule);
    return true;
}

static bool parse_choice(struct span word, struct rule_choice *choice, struct span *offending)
{
    struct span list = word;
    struct span name = take_until(&list, "(");
    for (int i = 0; i < RULE_COUNT; i++) {
        if (!span_is(name, names[i]))
            continue;
        choice->rule = (enum rule)i;
        if (i != RULE_FRAME)
            return list.len == 0;
        *offending = word; /* with a long address before it, it would not be shown */
        return parse_frame(list, &choice->frame);
    }
    return false;
}

/* From its parenthesis on: (OFFSET,WIDTH,be or le,ADJUST), with blanks around each. */
static bool parse_frame(struct span list, struct frame *frame)
{
    if (list.len < 2 || list.start[list.len - 1] != ')')
        return false;
    struct span rest = {list.start + 1, list.len - 2};
    struct span offset = span_trim(span_take(&rest, ','));
    struct span width = span_trim(span_take(&rest, ','));
    struct span order = span_trim(span_take(&rest, ','));
    return span_number(offset, FRAME_OFFSET_MAX, &frame->offset) &&
           parse_width(width, &frame->width) && parse_order(order, &frame->little_endian) &&
           parse_adjust(span_trim(rest), &frame->adjust);
}

static bool parse_width(struct span span, uint8_t *width)
{
    uint32_t number;
    if (!span_number(span, FRAME_WIDTH_MAX, &number))
        return false;
    *width = (uint8_t)number;
    return (number >= 1 && number <= 4) || number == FRAME_WIDTH_MAX;
}

static bool parse_order(struct span span, bool *little_endian)
{
    *little_endian = span_is(span, "le");
    return *little_endian || span_is(span, "be");
}

static bool parse_adjust(struct span span, int32_t *adjust)
{
    bool negative = span.len > 0 && span.start[0] == '-';
    struct span digits = {span.start + negative, span.len - negative};
    uint32_t number;
    if (!span_number(digits, FRAME_ADJUST_MAX, &number))
        return false;
    *adjust = negative ? -(int32_t)number : (int32_t)number;
    return true;
}

/* ADDRESS, then perhaps /PREFIX, then perhaps :PORT. Brackets keep the colons of IPv6 apart. */
static bool parse_dest(struct span dest, struct rule_entry *rule)
{
    bool bracketed = dest.len > 0 && dest.start[0] == '[';
    struct span rest = dest, prefix;
    struct span address = bracketed ? take_until(&rest, "]") : take_until(&rest, "/:");
    size_t rest_len;

    if (bracketed && rest.len == 0)
        return false;
    if (bracketed) {
        address = (struct span){address.start + 1, address.len - 1};
        rest = (struct span){rest.start + 1, rest.len - 1};
    }
    if ((bracketed || !span_is(address, "*")) &&
        !parse_address(address, bracketed ? AF_INET6 : AF_INET, rule))
        return false;

    rest_len = rest.len;
    prefix = span_take(&rest, ':');
    if (prefix.len < rest_len && !parse_port(rest, rule))
        return false;
    return prefix.len == 0 || parse_prefix(prefix, rule);
}

static bool parse_address(struct span address, int family, struct rule_entry *rule)
{
    char string[INET6_ADDRSTRLEN];
    if (address.len >= sizeof string)
        return false;
    memcpy(string, address.start, address.len);
    string[address.len] = '\0';
    rule->family = (uint8_t)family;
    rule->prefix = family == AF_INET ? 32 : 128;
    return inet_pton(family, string, rule->address) == 1;
}

static bool parse_prefix(struct span prefix, struct rule_entry *rule)
{
    struct span number = {prefix.start + 1, prefix.len - 1};
    uint32_t bits;
    if (prefix.start[0] != '/' || rule->family == 0 || !span_number(number, rule->prefix, &bits))
        return false;
    rule->prefix = (uint8_t)bits;
    return true;
}

static bool parse_port(struct span port, struct rule_entry *rule)
{
    uint32_t number;
    if (span_is(port, "*"))
        return true;
    if (!span_number(port, UINT16_MAX, &number) || number == 0)
        return false;
    rule->port = (uint16_t)number;
    return true;
}

/* Brings an entry to the form that config_rule() compares with: mapped addresses as the IPv4 ones
 * that they mean, nothing beyond the prefix. */
static void normalize(struct rule_entry *rule)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    if (rule->family == AF_INET6 && rule->prefix >= MAPPED_PREFIX &&
        bits_equal(rule->address, mapped, MAPPED_PREFIX)) {
        rule->family = AF_INET;
        rule->prefix = (uint8_t)(rule->prefix - MAPPED_PREFIX);
        memmove(rule->address, rule->address + MAPPED_PREFIX / 8, 4);
        memset(rule->address + 4, 0, sizeof rule->address - 4);
    }
    for (unsigned int bit = rule->prefix; bit < 128; bit++)
        rule->address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
    unsigned int bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

/* Takes what stands before the first of stops, which stays in *rest. */
static struct span take_until(struct span *rest, const char *stops)
{
    struct span head = {rest->start, 0};
    while (rest->len > 0 && strchr(stops, rest->start[0]) == NULL) {
        rest->start++;
        rest->len--;
        head.len++;
    }
    return head;
}
