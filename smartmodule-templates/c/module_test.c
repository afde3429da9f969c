#include "module.c"
#include "tidemill_test.h"

int main(void) {
    {% if kind == "filter" -%}
    tm_test_start("{\"text\": \"a lamp\"}");
    tm_test_given(NULL, "a chair");
    tm_test_given(NULL, "this is a lamp");
    TM_EXPECT("this is a lamp");
{%- elsif kind == "map" -%}
    tm_test_start("{}");
    tm_test_given("k", "one");
    tm_test_given(NULL, "Two 2");
    TM_EXPECT("ONE", "TWO 2");
{%- elsif kind == "filter_map" -%}
    tm_test_start("{}");
    tm_test_given(NULL, "21");
    tm_test_given(NULL, "many");
    tm_test_given(NULL, "-4");
    TM_EXPECT("42", "-8");
{%- elsif kind == "flat_map" -%}
    tm_test_start("{}");
    tm_test_given(NULL, "to be");
    tm_test_given(NULL, "");
    tm_test_given(NULL, " or");
    TM_EXPECT("to", "be", "or");
{%- elsif kind == "validate" -%}
    tm_test_start("{}");
    tm_test_given(NULL, "50");
    tm_test_given(NULL, "101");
    TM_EXPECT("50");
    tm_test_given(NULL, "50");
    tm_test_given(NULL, "101");
    tm_test_given(NULL, "many");
    TM_EXPECT_FAILED("101 is not from 0 to 100", "`many` is not a whole number");
    tm_test_given(NULL, "bytes \xff\xc3 and gr\xc3\xb6\xc3\x9f" "er");
    TM_EXPECT_FAILED("`bytes ?? and gr\xc3\xb6\xc3\x9f" "er` is not a whole number");
{%- elsif kind == "aggregate" -%}
    tm_test_start("{}");
    tm_test_given(NULL, "1");
    tm_test_given(NULL, "20");
    TM_EXPECT("1", "21");
    tm_test_given(NULL, "-300");
    TM_EXPECT("-279");
{%- elsif kind == "join" -%}
    tm_test_start("{}");
    tm_test_given("7", "a lamp for");
    tm_test_given("7", "Ada");
    tm_test_given("8", "a chair for");
    tm_test_given("9", "Grace");
    TM_EXPECT("a lamp for Ada");
{%- endif %}
    return tm_test_end();
}
