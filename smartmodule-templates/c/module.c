#include "tidemill.h"

{% if kind == "filter" -%}
/* Keeps records whose value contains a text. */
static bool contains(const tm_record *record) {
    return tm_contains(record->value, tm_param("text"));
}

TM_FILTER(contains, "{{project-name}}", "0.1.0", "Keeps records whose value contains a text.",
          "[{\"name\":\"text\",\"type\":\"string\",\"default\":\"error\",\"description\":\"What to look for\"}]")
{%- elsif kind == "map" -%}
/* Writes values in capitals. */
static void capitals(const tm_record *record) {
    uint8_t *text = tm_room(record->value.length);
    for (uint32_t at = 0; at < record->value.length; at++) {
        uint8_t byte = record->value.at[at];
        text[at] = byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
    }
    tm_record made = *record;
    if (made.value.at) made.value.at = text;
    tm_emit(&made);
}

TM_MAP(capitals, "{{project-name}}", "0.1.0", "Writes values in capitals.", TM_NO_PARAMS)
{%- elsif kind == "filter_map" -%}
/* Doubles numbers, and leaves out what is none. */
static void doubled(const tm_record *record) {
    int64_t number;
    if (!tm_integer(record->value, &number) || number > INT64_MAX / 2 || number < INT64_MIN / 2) return;
    tm_record made = *record;
    char *text = (char *)tm_room(24);
    snprintf(text, 24, "%lld", (long long)(2 * number));
    made.value = tm_text(text);
    tm_emit(&made);
}

TM_FILTER_MAP(doubled, "{{project-name}}", "0.1.0", "Doubles numbers, and leaves out what is none.", TM_NO_PARAMS)
{%- elsif kind == "flat_map" -%}
/* Makes a record of each word. */
static void words(const tm_record *record) {
    tm_record made = *record;
    const uint8_t *at = record->value.at, *end = at + record->value.length;
    while (at != end) {
        if (tm_blank(*at)) {
            at++;
            continue;
        }
        made.value.at = at;
        while (at != end && !tm_blank(*at)) at++;
        made.value.length = (uint32_t)(at - made.value.at);
        tm_emit(&made);
    }
}

TM_FLAT_MAP(words, "{{project-name}}", "0.1.0", "Makes a record of each word.", TM_NO_PARAMS)
{%- elsif kind == "validate" -%}
/* Refuses values that are not numbers from 0 to 100. */
static void percentage(const tm_record *record) {
    int64_t number;
    if (!tm_integer(record->value, &number)) {
        tm_fail("`%.*s` is not a whole number", (int)record->value.length, (const char *)record->value.at);
    } else if (number < 0 || number > 100) {
        tm_fail("%lld is not from 0 to 100", (long long)number);
    }
}

TM_VALIDATE(percentage, "{{project-name}}", "0.1.0", "Refuses values that are not numbers from 0 to 100.", TM_NO_PARAMS)
{%- elsif kind == "aggregate" -%}
/* Adds up numbers. */
static tm_bytes sum(tm_bytes accumulator, const tm_record *record) {
    int64_t so_far = 0, number;
    if (accumulator.length) tm_integer(accumulator, &so_far);
    if (!tm_integer(record->value, &number)) tm_fail("the value is not a whole number");
    else if (__builtin_add_overflow(so_far, number, &so_far)) tm_fail("the sum is more than 64 bits hold");
    char *text = (char *)tm_room(24);
    snprintf(text, 24, "%lld", (long long)so_far);
    return tm_text(text);
}

TM_AGGREGATE(sum, "{{project-name}}", "0.1.0", "Adds up numbers.", TM_NO_PARAMS)
{%- elsif kind == "join" -%}
/* Puts the left value before the right one, where the keys agree. */
static void side_by_side(const tm_record *left, const tm_record *right) {
    if (!tm_equal(left->key, right->key) || !left->value.at || !right->value.at) return;
    uint32_t length = left->value.length + 1 + right->value.length;
    uint8_t *text = tm_room(length);
    memcpy(text, left->value.at, left->value.length);
    text[left->value.length] = ' ';
    memcpy(text + left->value.length + 1, right->value.at, right->value.length);
    tm_record made = *left;
    made.value = (tm_bytes){text, length};
    tm_emit(&made);
}

TM_JOIN(side_by_side, "{{project-name}}", "0.1.0", "Puts the left value before the right one, where the keys agree.", TM_NO_PARAMS)
{%- endif %}
