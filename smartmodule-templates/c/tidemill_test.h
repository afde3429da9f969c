/* Tests of a module that run natively: the module works behind the same bytes as in a server.
 *
 * A test includes the module itself, and then says what is given and what is to come out; lists end with NULL.
 */
#ifndef TIDEMILL_TEST_H
#define TIDEMILL_TEST_H

#include "tidemill.h"

static struct {
    tm_buffer frame, accumulator;
    uint32_t count, checks, wrong;
    tm_reply answer;
} tm_test;

/* Starts the module with parameters: the text of a JSON object. */
static void tm_test_start(const char *params) {
    tm_buffer given = {0};
    tm_put(&given, "{\"params\":", 10);
    tm_put(&given, params, (uint32_t)strlen(params));
    tm_put(&given, "}", 1);
    tm_start((tm_bytes){given.at, given.length});
    free(given.at);
    tm_test.accumulator.length = 0;
}

/* A record for the next batch, without key if that is NULL. */
static void tm_test_given(const char *key, const char *value) {
    tm_record record = {0, 0, {NULL, 0}, tm_text(value), {(const uint8_t *)"", 0}};
    if (key) record.key = tm_text(key);
    tm_put_record(&tm_test.frame, &record, 0, tm_test.count++);
}

/* Runs the batch. */
static tm_bytes tm_test_run(void) {
    tm_buffer bytes = {0};
    uint8_t head[32] = {1};
    head[1] = tm_this.aggregate ? TM_FRAME_AGGREGATE : tm_this.join ? TM_FRAME_JOIN : TM_FRAME_RECORDS;
    tm_put_u32(head + 4, tm_test.count);
    tm_put_u32(head + 24, tm_test.accumulator.length);
    tm_put(&bytes, head, 32);
    tm_put(&bytes, tm_test.accumulator.at, tm_test.accumulator.length);
    tm_put(&bytes, tm_test.frame.at, tm_test.frame.length);
    /* Both are looked at until the next batch is run. */
    static uint8_t *before;
    free(before);
    before = bytes.at;
    free(tm_test.answer.at);
    tm_test.answer = tm_process_frame(&tm_this, (tm_bytes){bytes.at, bytes.length});
    tm_test.count = tm_test.frame.length = 0;
    tm_bytes answer = {tm_test.answer.at, tm_test.answer.length};
    uint32_t accumulator = tm_test.answer.failed ? 0 : (uint32_t)tm_get(answer.at + 12, 4);
    tm_test.accumulator.length = 0;
    tm_put(&tm_test.accumulator, answer.at + answer.length - accumulator, accumulator);
    return (tm_bytes){bytes.at, bytes.length};
}

static void tm_test_equal(const char *what, uint32_t at, tm_bytes got, const char *wanted) {
    tm_test.checks++;
    if (wanted && tm_equal(got, tm_text(wanted))) return;
    tm_test.wrong++;
    printf("%s %u: got `%.*s`, not `%s`\n", what, (unsigned)at, (int)got.length, (const char *)got.at,
           wanted ? wanted : "nothing");
}

/* Checks the values of the frame's records that the selection keeps, or those of the records of the answer. */
static void tm_test_values(tm_bytes asked, tm_bytes *answer, va_list wanted) {
    tm_frame frame;
    bool selects = tm_test.answer.at[1] == 0;
    uint32_t count = (uint32_t)tm_get(tm_test.answer.at + 4, 4), at = 0;
    tm_bytes bits = {NULL, 0};
    tm_read_frame(asked, &frame);
    if (selects) tm_take(answer, (count + 7) / 8, &bits);
    for (uint32_t index = 0; index < count; index++) {
        tm_record record;
        int64_t source;
        if (selects) tm_next(&frame, &record);
        else {
            tm_frame made = {.rest = *answer};
            if (!tm_take_varint(&made.rest, &source) || !tm_next(&made, &record)) abort();
            *answer = made.rest;
        }
        if (selects && !(bits.at[index / 8] >> (index % 8) & 1)) continue;
        const char *value = va_arg(wanted, const char *);
        tm_test_equal("value", at++, record.value, value);
        if (!value) return;
    }
    const char *more = va_arg(wanted, const char *);
    if (more) tm_test_equal("value", at, (tm_bytes){NULL, 0}, more);
}

static void tm_test_outcome(bool reasons, va_list wanted) {
    tm_bytes asked = tm_test_run(), answer = {tm_test.answer.at + 16, tm_test.answer.length - 16};
    if (tm_test.answer.failed) {
        tm_test_equal("the module as a whole", 0, (tm_bytes){tm_test.answer.at + 4, tm_test.answer.length - 4}, NULL);
        return;
    }
    if (!reasons) {
        tm_test_values(asked, &answer, wanted);
        return;
    }
    tm_take(&answer, ((int64_t)tm_get(tm_test.answer.at + 4, 4) + 7) / 8, &asked);
    for (uint32_t failed = (uint32_t)tm_get(tm_test.answer.at + 8, 4); failed > 0; failed--) {
        int64_t index = 0;
        tm_bytes reason = {NULL, 0};
        if (!tm_take_varint(&answer, &index) || !tm_take_bytes(&answer, &reason)) abort();
        const char *value = va_arg(wanted, const char *);
        tm_test_equal("record", (uint32_t)index, reason, value);
        if (!value) return;
    }
    const char *more = va_arg(wanted, const char *);
    if (more) tm_test_equal("record", 0, (tm_bytes){NULL, 0}, more);
}

/* Runs the batch; these are the values that come out. */
static void tm_test_expect(const char *first, ...) {
    va_list wanted;
    (void)first;
    va_start(wanted, first);
    tm_test_outcome(false, wanted);
    va_end(wanted);
}

/* Runs the batch; these are the reasons of a validate or a filter for the records that failed. */
static void tm_test_expect_failed(const char *first, ...) {
    va_list wanted;
    (void)first;
    va_start(wanted, first);
    tm_test_outcome(true, wanted);
    va_end(wanted);
}

/* The values, and the end of the list. */
#define TM_EXPECT(...) tm_test_expect("", __VA_ARGS__, NULL)
#define TM_EXPECT_FAILED(...) tm_test_expect_failed("", __VA_ARGS__, NULL)

/* The exit code. */
static int tm_test_end(void) {
    printf("%u checks, %u wrong\n", (unsigned)tm_test.checks, (unsigned)tm_test.wrong);
    return tm_test.wrong || !tm_test.checks ? 1 : 0;
}

#endif
