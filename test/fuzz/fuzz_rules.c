/* SPDX-License-Identifier: MIT
 * TWPOOL_RULES: a list is what its entries are, each read alone and written out again. */
#include "../../shim/rules.h"
#include "script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_entry(const struct rule_entry *entry, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "*", port[8] = "*", rule[64];
    struct text words;
    text_init(&words, rule, sizeof rule);
    rule_format(entry->choice, &words);
    if (entry->port != 0) {
        snprintf(port, sizeof port, "%u", entry->port);
    }
    if (entry->family == 0) {
        snprintf(text, size, "*:%s=%s", port, rule);
        return;
    }
    bool bracketed = entry->family == AF_INET6;
    inet_ntop(entry->family, entry->address, address, sizeof address);
    snprintf(text, size, "%s%s%s/%u:%s=%s", bracketed ? "[" : "", address, bracketed ? "]" : "",
             entry->prefix, port, rule);
}

/* Memory of exactly its length, and the settings as they were left by another list. */
static bool parse(struct config *config, const char *text, size_t len)
{
    char *list = malloc(len);
    expect(list != NULL || len == 0, "there is memory");
    if (list != NULL && len > 0) {
        memcpy(list, text, len);
    }
    struct span offending = {NULL, 0};
    config->rule_count = 7;
    bool understood = rules_parse(config, (struct span){list, len}, &offending);
    bool inside = offending.start >= list && offending.start + offending.len <= list + len;
    expect(understood || config->rule_count == 0, "no rules at all when one is not understood");
    expect(understood || (offending.len > 0 && inside), "the offending entry is one of the list");
    free(list);
    return understood;
}

static bool is_same_frame(const struct frame *a, const struct frame *b)
{
    return a->offset == b->offset && a->width == b->width && a->adjust == b->adjust &&
           a->little_endian == b->little_endian;
}

static bool is_same(const struct rule_entry *a, const struct rule_entry *b)
{
    return a->choice.rule == b->choice.rule && is_same_frame(&a->choice.frame, &b->choice.frame) &&
           a->family == b->family && a->prefix == b->prefix && a->port == b->port &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* An entry between commas, or none: blanks alone are none. */
static bool is_empty(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\n", *text) != NULL && *text != '\0') {
        text++;
        len--;
    }
    return len == 0;
}

/* Up to the next comma outside of parentheses, which do not nest. */
static size_t entry_end(const char *text, size_t len, size_t at)
{
    while (at < len && text[at] != ',') {
        const char *close = text[at] == '(' ? memchr(text + at, ')', len - at) : text + at;
        at = close == NULL ? len : (size_t)(close - text) + 1;
    }
    return at;
}

static void check_entry(const struct rule_entry *entry)
{
    static struct config again;
    char text[128];
    write_entry(entry, text, sizeof text);
    expect(parse(&again, text, strlen(text)) && again.rule_count == 1, "what is written is read");
    expect(is_same(&again.rules[0], entry), "as what it was");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct config list, alone;
    const char *text = (const char *)data;
    bool understood = parse(&list, text, len), all = true;
    uint32_t count = 0;
    for (size_t at = 0, end; at < len && all; at = end + 1) {
        end = entry_end(text, len, at);
        if (is_empty(text + at, end - at)) {
            continue;
        }
        all = count < RULES_MAX && parse(&alone, text + at, end - at);
        if (!all) {
            break;
        }
        expect(alone.rule_count == 1, "an entry is one rule");
        expect(!understood || is_same(&alone.rules[0], &list.rules[count]), "the rule of the list");
        check_entry(&alone.rules[0]);
        count++;
    }
    expect(understood == all, "a list is understood if every entry is");
    expect(!understood || list.rule_count == count, "as many rules as entries");
    return 0;
}
