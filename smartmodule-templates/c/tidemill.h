/* SmartModules in C: all that stands between a module and Tidemill, in one header.
 *
 * A module includes it once, and names its function with one of the macros at the end, such as
 *
 *     TM_FILTER(contains, "contains", "0.1.0", "Keeps records with a text.", TM_NO_PARAMS)
 *
 * The layout of frames and answers is that of Tidemill's docs/smartmodule-abi.md. On another target than WebAssembly the
 * exports are left out, so that tests run natively: see tidemill_test.h.
 */
#ifndef TIDEMILL_H
#define TIDEMILL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes, somewhere else; `at` is NULL for none, which is not the same as empty. */
typedef struct {
    const uint8_t *at;
    uint32_t length;
} tm_bytes;

/* A record. Its bytes lie in the batch: they are there until the function that got it returns. */
typedef struct {
    int64_t offset;    /* -1 on ingest, where there is none yet */
    int64_t timestamp; /* milliseconds since 1970 */
    tm_bytes key;
    tm_bytes value;
    tm_bytes headers; /* as in the batch: see tm_next_header */
} tm_record;

/* ---- What a module calls. ---- */

/* Answers with a record that came of the one in hand: once in a map, at most once in a filter_map or a join. */
static void tm_emit(const tm_record *record);
/* Says that the record in hand has failed, and why, as printf would. What it emitted is forgotten. */
static void tm_fail(const char *format, ...);
/* Bytes of a text that ends with 0. */
static tm_bytes tm_text(const char *text);
/* Whether bytes hold others. */
static bool tm_contains(tm_bytes bytes, tm_bytes part);
/* Whether bytes are the same; none is only the same as none. */
static bool tm_equal(tm_bytes one, tm_bytes other);
/* Reads a whole number, with blanks around it; false when there is none, or it is beyond 64 bits. */
static bool tm_integer(tm_bytes text, int64_t *number);
/* Room until the batch is answered. */
static uint8_t *tm_room(uint32_t length);
/* The text of a parameter, without the quotes if it is a string; none when there is no such parameter. */
static tm_bytes tm_param(const char *name);
/* Writes a line to the log. */
enum { TM_DEBUG, TM_INFO, TM_WARN, TM_ERROR };
static void tm_log(uint32_t level, tm_bytes text);

/* ---- Buffers and numbers. ---- */

typedef struct {
    uint8_t *at;
    uint32_t length, room;
} tm_buffer;

static void tm_grow(tm_buffer *buffer, uint32_t more) {
    if (buffer->room - buffer->length >= more) return;
    uint64_t room = (uint64_t)buffer->room * 2 + more + 64;
    if (room > INT32_MAX || !(buffer->at = realloc(buffer->at, (size_t)room))) abort();
    buffer->room = (uint32_t)room;
}

static void tm_put(tm_buffer *buffer, const void *bytes, uint32_t length) {
    tm_grow(buffer, length);
    if (length) memcpy(buffer->at + buffer->length, bytes, length);
    buffer->length += length;
}

static void tm_put_varint(tm_buffer *buffer, int64_t number) {
    uint64_t rest = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
    uint8_t bytes[10];
    uint32_t length = 0;
    for (; rest >= 0x80; rest >>= 7) bytes[length++] = (uint8_t)(rest | 0x80);
    bytes[length++] = (uint8_t)rest;
    tm_put(buffer, bytes, length);
}

static void tm_put_bytes(tm_buffer *buffer, tm_bytes bytes) {
    tm_put_varint(buffer, bytes.at ? (int64_t)bytes.length : -1);
    tm_put(buffer, bytes.at, bytes.at ? bytes.length : 0);
}

static void tm_put_u32(uint8_t *at, uint32_t number) {
    for (int byte = 0; byte < 4; byte++) at[byte] = (uint8_t)(number >> (8 * byte));
}

static uint64_t tm_get(const uint8_t *at, int bytes) {
    uint64_t number = 0;
    for (int byte = 0; byte < bytes; byte++) number |= (uint64_t)at[byte] << (8 * byte);
    return number;
}

static bool tm_take(tm_bytes *from, int64_t length, tm_bytes *taken) {
    if (length < 0 || length > (int64_t)from->length) return false;
    *taken = (tm_bytes){from->at, (uint32_t)length};
    from->at += length;
    from->length -= (uint32_t)length;
    return true;
}

static bool tm_take_varint(tm_bytes *from, int64_t *number) {
    uint64_t value = 0;
    for (uint32_t at = 0; at < 10 && at < from->length; at++) {
        value |= (uint64_t)(from->at[at] & 0x7f) << (7 * at);
        if (from->at[at] & 0x80) continue;
        from->at += at + 1;
        from->length -= at + 1;
        *number = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
        return true;
    }
    return false;
}

static bool tm_take_bytes(tm_bytes *from, tm_bytes *taken) {
    int64_t length;
    if (!tm_take_varint(from, &length)) return false;
    if (length == -1) {
        *taken = (tm_bytes){NULL, 0};
        return true;
    }
    return tm_take(from, length, taken);
}

/* The next header of a record: `rest` begins as the record's `headers`. */
static bool tm_next_header(tm_bytes *rest, tm_bytes *name, tm_bytes *value) {
    return rest->length > 0 && tm_take_bytes(rest, name) && tm_take_bytes(rest, value);
}

/* ---- Frames and answers. ---- */

enum { TM_FRAME_RECORDS, TM_FRAME_LOOK_BACK, TM_FRAME_AGGREGATE, TM_FRAME_JOIN };

typedef struct {
    uint8_t kind;
    bool stamped;
    uint32_t count;
    int64_t base_offset, base_timestamp;
    tm_bytes accumulator, rest;
} tm_frame;

static bool tm_read_frame(tm_bytes bytes, tm_frame *frame) {
    if (bytes.length < 32 || bytes.at[0] != 1 || bytes.at[1] > 3 || bytes.at[2] > 1 || bytes.at[3]) return false;
    frame->kind = bytes.at[1];
    frame->stamped = bytes.at[2] == 1;
    frame->count = (uint32_t)tm_get(bytes.at + 4, 4);
    frame->base_offset = (int64_t)tm_get(bytes.at + 8, 8);
    frame->base_timestamp = (int64_t)tm_get(bytes.at + 16, 8);
    frame->rest = (tm_bytes){bytes.at + 32, bytes.length - 32};
    return tm_take(&frame->rest, (int64_t)tm_get(bytes.at + 24, 4), &frame->accumulator);
}

/* The headers, as they lie: how many, and all of them as bytes that are known to be whole. */
static bool tm_take_headers(tm_bytes *from, tm_bytes *headers) {
    int64_t count;
    if (!tm_take_varint(from, &count) || count < 0) return false;
    headers->at = from->at;
    for (tm_bytes name, value; count > 0; count--) {
        if (!tm_take_bytes(from, &name) || !name.at || !tm_take_bytes(from, &value)) return false;
    }
    headers->length = (uint32_t)(from->at - headers->at);
    return true;
}

static bool tm_next(tm_frame *frame, tm_record *record) {
    int64_t length, timestamp, offset;
    tm_bytes body, attributes;
    if (!tm_take_varint(&frame->rest, &length) || !tm_take(&frame->rest, length, &body)) return false;
    if (!tm_take(&body, 1, &attributes) || !tm_take_varint(&body, &timestamp) || !tm_take_varint(&body, &offset)) return false;
    if (!tm_take_bytes(&body, &record->key) || !tm_take_bytes(&body, &record->value)) return false;
    if (!tm_take_headers(&body, &record->headers)) return false;
    record->timestamp = frame->base_timestamp + (frame->stamped ? 0 : timestamp);
    record->offset = frame->base_offset < 0 ? -1 : frame->base_offset + offset;
    return body.length == 0;
}

static uint32_t tm_count_headers(tm_bytes headers) {
    uint32_t count = 0;
    for (tm_bytes name, value; tm_next_header(&headers, &name, &value); count++) continue;
    return count;
}

static void tm_put_record(tm_buffer *buffer, const tm_record *record, int64_t base_timestamp, int64_t offset_delta) {
    static tm_buffer body;
    body.length = 0;
    tm_put(&body, "", 1);
    tm_put_varint(&body, record->timestamp - base_timestamp);
    tm_put_varint(&body, offset_delta);
    tm_put_bytes(&body, record->key);
    tm_put_bytes(&body, record->value);
    tm_put_varint(&body, tm_count_headers(record->headers));
    tm_put(&body, record->headers.at, record->headers.length);
    tm_put_varint(buffer, body.length);
    tm_put(buffer, body.at, body.length);
}

/* ---- The call in hand. ---- */

typedef struct {
    uint8_t *at;
    uint32_t length;
    bool failed;
} tm_reply;

static struct {
    const tm_frame *frame;
    uint32_t index, made, failed;
    bool has_failed;
    tm_buffer records, failures;
    void *rooms;
    tm_buffer params;
} tm_call;

static uint8_t *tm_room(uint32_t length) {
    void **room = malloc(sizeof(void *) + length);
    if (!room) abort();
    *room = tm_call.rooms;
    tm_call.rooms = room;
    return (uint8_t *)(room + 1);
}

static void tm_emit(const tm_record *record) {
    tm_put_varint(&tm_call.records, tm_call.index);
    tm_put_record(&tm_call.records, record, tm_call.frame->base_timestamp, 0);
    tm_call.made++;
}

/* Puts a question mark in the place of each byte that is no part of a character: values that are quoted may be anything. */
static void tm_make_utf8(uint8_t *text, uint32_t length) {
    for (uint32_t at = 0; at < length;) {
        uint8_t first = text[at];
        uint32_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;
        bool valid = more < 4 && at + more < length;
        for (uint32_t next = 1; valid && next <= more; next++) valid = (text[at + next] & 0xc0) == 0x80;
        /* Overlong forms, surrogates, and what is beyond the last plane. */
        if (valid && more > 1) {
            uint8_t second = text[at + 1];
            valid = !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second >= 0xa0) &&
                    !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second >= 0x90);
        }
        if (valid) at += more + 1;
        else text[at++] = '?';
    }
}

static void tm_fail(const char *format, ...) {
    if (tm_call.has_failed) return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    uint32_t kept = length < 0 ? 0 : length >= (int)sizeof text ? (uint32_t)sizeof text - 1 : (uint32_t)length;
    tm_make_utf8((uint8_t *)text, kept);
    tm_put_varint(&tm_call.failures, tm_call.index);
    tm_put_bytes(&tm_call.failures, (tm_bytes){(const uint8_t *)text, kept});
    tm_call.failed++;
    tm_call.has_failed = true;
}

static tm_reply tm_failure(const char *text) {
    tm_buffer out = {0};
    tm_put(&out, "\xff\xff\xff\xff", 4);
    tm_put(&out, text, (uint32_t)strlen(text));
    return (tm_reply){out.at, out.length, true};
}

/* The frame is read; `selection` is NULL where records are answered. */
static tm_reply tm_answer(const uint8_t *selection, const tm_bytes *accumulator) {
    tm_buffer out = {0};
    uint8_t head[16] = {1, selection ? 0 : 1, accumulator ? 1 : 0, 0};
    tm_put_u32(head + 4, selection ? tm_call.frame->count : tm_call.made);
    tm_put_u32(head + 8, tm_call.failed);
    tm_put_u32(head + 12, accumulator ? accumulator->length : 0);
    tm_put(&out, head, 16);
    if (selection) tm_put(&out, selection, (tm_call.frame->count + 7) / 8);
    else tm_put(&out, tm_call.records.at, tm_call.records.length);
    tm_put(&out, tm_call.failures.at, tm_call.failures.length);
    if (accumulator) tm_put(&out, accumulator->at, accumulator->length);
    return (tm_reply){out.at, out.length, false};
}

/* What a module is: its macro fills in one of the functions. */
typedef struct {
    const char *description;
    bool (*filter)(const tm_record *);
    void (*map)(const tm_record *);
    void (*change)(const tm_record *);
    void (*validate)(const tm_record *);
    tm_bytes (*aggregate)(tm_bytes, const tm_record *);
    void (*join)(const tm_record *, const tm_record *);
} tm_module;

static void tm_begin(const tm_frame *frame) {
    while (tm_call.rooms) {
        void *next = *(void **)tm_call.rooms;
        free(tm_call.rooms);
        tm_call.rooms = next;
    }
    tm_call.frame = frame;
    tm_call.index = tm_call.made = tm_call.failed = 0;
    tm_call.records.length = tm_call.failures.length = 0;
}

/* Calls the module for one record; gives whether a selection keeps it. */
static bool tm_one(const tm_module *module, const tm_record *record, tm_bytes *accumulator) {
    tm_record folded = *record;
    bool keep = true;
    if (module->filter) keep = module->filter(record);
    else if (module->validate) module->validate(record);
    else if (module->change) module->change(record);
    else if (module->map) {
        uint32_t made = tm_call.made;
        module->map(record);
        if (tm_call.made != made + 1) tm_fail("the map made %u records of one", (unsigned)(tm_call.made - made));
    }
    else if (module->aggregate) {
        folded.value = module->aggregate(*accumulator, record);
        if (!tm_call.has_failed) {
            *accumulator = folded.value;
            tm_emit(&folded);
        }
    }
    return keep && !tm_call.has_failed;
}

static tm_reply tm_process_frame(const tm_module *module, tm_bytes bytes) {
    static const char *invalid = "the frame is not valid";
    tm_frame frame;
    if (!tm_read_frame(bytes, &frame) || frame.count > bytes.length) return tm_failure(invalid);
    if (module->join && frame.count % 2) return tm_failure("a join takes pairs");
    tm_begin(&frame);
    bool selects = module->filter || module->validate;
    uint8_t *selection = selects ? memset(tm_room((frame.count + 7) / 8), 0, (frame.count + 7) / 8) : NULL;
    tm_bytes accumulator = frame.accumulator;
    for (; tm_call.index < frame.count; tm_call.index++) {
        tm_record record, right;
        if (!tm_next(&frame, &record)) return tm_failure(invalid);
        uint32_t length = tm_call.records.length, made = tm_call.made;
        tm_call.has_failed = false;
        if (module->join) {
            if (!tm_next(&frame, &right)) return tm_failure(invalid);
            module->join(&record, &right);
        } else if (tm_one(module, &record, &accumulator) && selects) {
            selection[tm_call.index / 8] |= (uint8_t)(1 << (tm_call.index % 8));
        }
        if (tm_call.has_failed) {
            tm_call.records.length = length;
            tm_call.made = made;
        }
        if (module->join) tm_call.index++;
    }
    if (frame.rest.length) return tm_failure(invalid);
    return tm_answer(selection, module->aggregate ? &accumulator : NULL);
}

/* ---- Text and parameters. ---- */

static tm_bytes tm_text(const char *text) { return (tm_bytes){(const uint8_t *)text, (uint32_t)strlen(text)}; }

static bool tm_equal(tm_bytes one, tm_bytes other) {
    if (!one.at || !other.at) return !one.at && !other.at;
    return one.length == other.length && (!one.length || !memcmp(one.at, other.at, one.length));
}

static bool tm_contains(tm_bytes bytes, tm_bytes part) {
    if (!bytes.at || !part.at) return false;
    for (uint32_t at = 0; at + (uint64_t)part.length <= bytes.length; at++) {
        if (!part.length || !memcmp(bytes.at + at, part.at, part.length)) return true;
    }
    return false;
}

static bool tm_blank(uint8_t byte) { return byte == ' ' || (byte >= 9 && byte <= 13); }

static bool tm_integer(tm_bytes text, int64_t *number) {
    while (text.length && tm_blank(*text.at)) text.at++, text.length--;
    while (text.length && tm_blank(text.at[text.length - 1])) text.length--;
    bool negative = text.length && *text.at == '-';
    if (text.length && (*text.at == '-' || *text.at == '+')) text.at++, text.length--;
    uint64_t value = 0, limit = negative ? (uint64_t)1 << 63 : INT64_MAX;
    if (!text.length) return false;
    for (; text.length; text.at++, text.length--) {
        uint64_t digit = (uint64_t)*text.at - '0';
        if (digit > 9 || value > (limit - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *number = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static void tm_skip_blanks(tm_bytes *json) {
    while (json->length && tm_blank(*json->at)) json->at++, json->length--;
}

/* Takes one value of JSON, as it is written. The host wrote it, so that it is valid. */
static tm_bytes tm_take_json(tm_bytes *json) {
    tm_skip_blanks(json);
    tm_bytes value = {json->at, 0};
    int depth = 0;
    bool quoted = false;
    for (; json->length; json->at++, json->length--) {
        uint8_t byte = *json->at;
        if (quoted) {
            if (byte == '\\' && json->length > 1) json->at++, json->length--;
            else if (byte == '"') quoted = false;
        } else if (byte == '"') quoted = true;
        else if (byte == '{' || byte == '[') depth++;
        else if (byte == '}' || byte == ']') depth--;
        else if ((byte == ',' || byte == ':') && depth == 0) break;
        if (depth < 0) break;
    }
    value.length = (uint32_t)(json->at - value.at);
    while (value.length && tm_blank(value.at[value.length - 1])) value.length--;
    return value;
}

/* The value of a member of an object. */
static tm_bytes tm_member(tm_bytes json, const char *name) {
    tm_skip_blanks(&json);
    while (json.length > 1 && (*json.at == '{' || *json.at == ',')) {
        json.at++, json.length--;
        tm_bytes key = tm_take_json(&json);
        if (json.length) json.at++, json.length--;
        tm_bytes value = tm_take_json(&json);
        size_t length = strlen(name);
        if (key.length == length + 2 && !memcmp(key.at + 1, name, length)) return value;
        tm_skip_blanks(&json);
    }
    return (tm_bytes){NULL, 0};
}

static uint32_t tm_hex4(const uint8_t *at) {
    uint32_t value = 0;
    for (int digit = 0; digit < 4; digit++) {
        uint8_t byte = at[digit] | 0x20;
        value = value * 16 + (uint32_t)(byte >= 'a' ? byte - 'a' + 10 : at[digit] - '0');
    }
    return value;
}

static void tm_put_char(tm_buffer *out, uint32_t code) {
    uint8_t bytes[4];
    uint32_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    for (uint32_t at = more; at > 0; at--, code >>= 6) bytes[at] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(first[more] | code);
    tm_put(out, bytes, more + 1);
}

static tm_bytes tm_unquote(tm_bytes text) {
    tm_buffer out = {0};
    tm_put(&out, "", 0);
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (uint32_t at = 1; at + 1 < text.length; at++) {
        if (text.at[at] != '\\') {
            tm_put(&out, text.at + at, 1);
            continue;
        }
        uint8_t escape = text.at[++at];
        if (escape == 'u' && at + 4 < text.length) {
            uint32_t code = tm_hex4(text.at + at + 1);
            at += 4;
            if (code >> 10 == 0x36 && at + 6 < text.length) {
                code = 0x10000 + ((code & 0x3ff) << 10) + (tm_hex4(text.at + at + 3) & 0x3ff);
                at += 6;
            }
            tm_put_char(&out, code);
            continue;
        }
        for (const char *pair = escapes; *pair; pair += 2) {
            if ((uint8_t)*pair == escape) tm_put(&out, pair + 1, 1);
        }
    }
    tm_bytes unquoted = {tm_room(out.length), out.length};
    if (out.length) memcpy((uint8_t *)unquoted.at, out.at, out.length);
    free(out.at);
    return unquoted;
}

static tm_bytes tm_param(const char *name) {
    tm_bytes given = {tm_call.params.at, tm_call.params.length};
    tm_bytes params = tm_member(given, "params");
    tm_bytes value = params.at ? tm_member(params, name) : params;
    return value.at && value.length && *value.at == '"' ? tm_unquote(value) : value;
}

/* Keeps the parameters, and lets the module refuse them. */
static tm_reply tm_start(tm_bytes params) {
    tm_call.params.length = 0;
    tm_put(&tm_call.params, params.at, params.length);
    return (tm_reply){NULL, 0, false};
}

/* ---- The exports. ---- */

#ifdef __wasm__
__attribute__((import_module("tidemill"), import_name("log"))) void tm_host_log(uint32_t, const void *, uint32_t);
static void tm_log(uint32_t level, tm_bytes text) { tm_host_log(level, text.at, text.length); }

static uint64_t tm_pack(tm_reply reply) {
    return (uint64_t)(uintptr_t)reply.at << 32 | (uint64_t)reply.failed << 31 | reply.length;
}

#define TM_EXPORT(name) __attribute__((export_name(#name))) extern
#define TM_EXPORTS                                                                                             \
    TM_EXPORT(tm_alloc) void *tm_alloc(uint32_t length) { return malloc(length ? length : 1); }                \
    TM_EXPORT(tm_free) void tm_free(void *at, uint32_t length) { (void)length; free(at); }                     \
    TM_EXPORT(tm_describe) uint64_t tm_describe(void) {                                                        \
        tm_buffer out = {0};                                                                                   \
        tm_put(&out, tm_this.description, (uint32_t)strlen(tm_this.description));                              \
        return tm_pack((tm_reply){out.at, out.length, false});                                                 \
    }                                                                                                          \
    TM_EXPORT(tm_init) uint64_t tm_init(const uint8_t *at, uint32_t length) {                                  \
        return tm_pack(tm_start((tm_bytes){at, length}));                                                      \
    }                                                                                                          \
    TM_EXPORT(tm_process) uint64_t tm_process(const uint8_t *at, uint32_t length) {                            \
        return tm_pack(tm_process_frame(&tm_this, (tm_bytes){at, length}));                                    \
    }
#else
static void tm_log(uint32_t level, tm_bytes text) {
    fprintf(stderr, "[%u] %.*s\n", (unsigned)level, (int)text.length, (const char *)text.at);
}
#define TM_EXPORTS
#endif

/* A list of parameters, in JSON; see docs/smartmodule-abi.md. */
#define TM_NO_PARAMS "[]"

#define TM_MODULE(kind, field, function, name, version, text, params)                                          \
    static const tm_module tm_this = {                                                                         \
        .description = "{\"abi\":1,\"kind\":\"" kind "\",\"name\":\"" name "\",\"version\":\"" version          \
                       "\",\"description\":\"" text "\",\"language\":\"c\",\"sdk\":\"tidemill.h 0.1.0\","       \
                       "\"params\":" params ",\"lookBack\":false}",                                            \
        .field = function,                                                                                     \
    };                                                                                                         \
    TM_EXPORTS

#define TM_FILTER(function, ...) TM_MODULE("filter", filter, function, __VA_ARGS__)
#define TM_MAP(function, ...) TM_MODULE("map", map, function, __VA_ARGS__)
#define TM_FILTER_MAP(function, ...) TM_MODULE("filter_map", change, function, __VA_ARGS__)
#define TM_FLAT_MAP(function, ...) TM_MODULE("flat_map", change, function, __VA_ARGS__)
#define TM_VALIDATE(function, ...) TM_MODULE("validate", validate, function, __VA_ARGS__)
#define TM_AGGREGATE(function, ...) TM_MODULE("aggregate", aggregate, function, __VA_ARGS__)
#define TM_JOIN(function, ...) TM_MODULE("join", join, function, __VA_ARGS__)

#endif
