# frozen_string_literal: true

require "minitest/autorun"
require "tidemill/smartmodule/testing"
require "{{crate_name}}"

# The module, without a sandbox.
class TestModule < Minitest::Test
  def record(...) = Tidemill::Testing.record(...)

{% if kind == "filter" -%}
  def test_records_with_the_text_are_kept
    runner = Tidemill::Testing::Runner.new(Contains, text: "lamp")
    assert_equal ["a lamp", "lamps"], runner.values([record("a chair"), record("a lamp"), record("lamps")])
  end

  def test_without_parameters_it_looks_for_errors
    runner = Tidemill::Testing::Runner.new(Contains)
    assert_equal ["an error"], runner.values([record("fine"), record("an error")])
  end
{%- elsif kind == "map" -%}
  def test_values_are_in_capitals_and_keys_stay
    outcome = Tidemill::Testing::Runner.new(Capitals).run([record("one", key: "k")])
    assert_equal([%w[ONE k]], outcome.records.map { |_, made| [made.value, made.key] })
  end

  def test_a_value_that_is_no_text_fails
    outcome = Tidemill::Testing::Runner.new(Capitals).run([record("\xFF".b), record("two")])
    assert_equal([0], outcome.failed.map(&:first))
    assert_equal ["TWO"], outcome.values
  end
{%- elsif kind == "filter_map" -%}
  def test_numbers_are_doubled_and_all_else_is_left_out
    runner = Tidemill::Testing::Runner.new(Doubled)
    assert_equal %w[42 -8], runner.values([record("21"), record("many"), record("-4")])
  end
{%- elsif kind == "flat_map" -%}
  def test_each_word_becomes_a_record
    runner = Tidemill::Testing::Runner.new(Words)
    assert_equal %w[to be or], runner.values([record("to be"), record(""), record("or")])
  end
{%- elsif kind == "validate" -%}
  def test_only_percentages_pass
    outcome = Tidemill::Testing::Runner.new(Percentage).run([record("50"), record("101"), record("many")])
    assert_equal ["50"], outcome.values
    assert_equal [[1, "101 is not from 0 to 100"], [2, "`many` is not a whole number"]], outcome.failed
  end
{%- elsif kind == "aggregate" -%}
  def test_sums_go_on_from_batch_to_batch
    runner = Tidemill::Testing::Runner.new(Total)
    assert_equal %w[1 21], runner.values([record("1"), record("20")])
    assert_equal ["-279"], runner.values([record("-300")])
  end
{%- elsif kind == "join" -%}
  def test_pairs_of_one_key_are_joined
    pairs = [["a lamp for", "7"], %w[Ada 7], ["a chair for", "8"], %w[Grace 9]]
    pairs = pairs.map { |value, key| record(value, key: key) }
    assert_equal ["a lamp for Ada"], Tidemill::Testing::Runner.new(SideBySide).values(pairs)
  end
{%- endif %}
end
