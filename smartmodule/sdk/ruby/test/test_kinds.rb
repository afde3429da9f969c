# frozen_string_literal: true

require_relative "helper"
%w[contains capitals doubled words percentage total side_by_side dedup].each { |example| require example }

# Each kind, by the examples, and what becomes of mistakes.
class TestKinds < Minitest::Test
  include Helper

  def test_a_filter_keeps_some
    records = [record("all is well"), record("an error"), record(nil), record("\xFF".b)]
    assert_equal ["an error"], runner(Contains).values(records)
    assert_equal ["all is well"], runner(Contains, text: "well").values(records)
    assert_equal([0, 2, 3], runner(Contains, invert: true).run(records).records.map(&:first))
  end

  def test_a_map_makes_one_of_each
    outcome = runner(Capitals).run([record("a", key: "k"), record("\xFF".b), record("ü")])
    assert_equal(["A", "Ü".b], outcome.values)
    assert_equal [["written", "in capitals"]], outcome.records[0][1].headers
    assert_equal "k", outcome.records[0][1].key
    assert_equal [[1, "the value is not text (UTF-8)"]], outcome.failed
  end

  def test_a_filter_map_makes_one_or_none
    assert_equal %w[4 42], runner(Doubled).values([record("2"), record("x"), record(" 21 "), record(nil)])
  end

  def test_a_flat_map_makes_many
    outcome = runner(Words).run([record("a b"), record(""), record("c")])
    assert_equal([[0, "a"], [0, "b"], [2, "c"]], outcome.records.map { |source, one| [source, one.value] })
  end

  def test_a_flat_map_that_fails_half_way_gives_nothing_of_that_record
    halfway = define(Tidemill::FlatMap) do
      def flat_map(record) = [record.with_value("first"), record.value == "bad" ? 1 : record]
    end
    outcome = runner(halfway).run([record("good"), record("bad"), record("good")])
    assert_equal([0, 0, 2, 2], outcome.records.map(&:first))
    assert_match(/not Integer/, outcome.failed[0][1])
  end

  def test_validation_gives_reasons
    outcome = runner(Percentage).run([record("50"), record("101"), record("x"), record(nil)])
    assert_equal ["50"], outcome.values
    assert_equal [[1, "101.0 is not from 0 to 100"], [2, "`x` is not a number"], [3, "the record has no value"]],
                 outcome.failed
  end

  def test_an_aggregate_goes_on_from_batch_to_batch
    running = runner(Total)
    assert_equal %w[1 3], running.values([record("1"), record("2")])
    outcome = running.run([record("x"), record("4")])
    assert_equal ["7"], outcome.values
    assert_equal([0], outcome.failed.map(&:first))
    assert_equal "7", running.accumulator
  end

  def test_a_join_takes_pairs
    left = record("order", key: "1")
    outcome = runner(SideBySide).run([left, record("customer", key: "1"), left, record("nobody", key: "2")])
    assert_equal([[0, "order customer"]], outcome.records.map { |source, one| [source, one.value] })
  end

  def test_state_is_rebuilt_by_looking_back
    running = runner(Dedup)
    running.look_back([record("a"), record("b")])
    assert_equal ["c"], running.values([record("a"), record("c"), record("c")])
    assert_equal [:debug, "seen before: a"], running.log.first
    assert_equal ["a"], runner(Dedup).values([record("a")])
    assert Dedup.describe["lookBack"]
    refute Contains.describe["lookBack"]
  end

  def test_what_was_not_foreseen_fails_its_record_and_is_told_to_the_log
    lookup = define(Tidemill::Map) { def map(record) = record.with_value({ "a" => "1" }.fetch(record.text)) }
    running = runner(lookup)
    assert_equal [[1, "KeyError: key not found: \"b\""], [2, "KeyError: key not found: \"c\""]],
                 running.run([record("a"), record("b"), record("c")]).failed
    assert_equal 1, running.log.size
    assert_match(/record 1: .*test_kinds\.rb/, running.log[0][1])
  end

  def test_every_way_to_write_a_record_gives_what_it_says
    variations = define(Tidemill::FlatMap) do
      def flat_map(record)
        [record, record.to_output, record.with_value("other"), record.with_value(nil), record.with_json({ "a" => 1 }),
         record.to_output.with_key("k2"), record.with_value("w").with_header("n", nil),
         record.to_output.with_timestamp(Helper::NOW + 9), record.with_value("x").without_header("h"),
         Tidemill::Output.new("new"), Tidemill::Output.new(nil, key: "ü", headers: [["h", nil]], timestamp: 1)]
      end
    end
    sources = [record("v" * 100, key: "k" * 70, headers: [%w[h 1]]), record(nil), record("", key: "", timestamp: 5)]
    expected = sources.each_with_index.flat_map do |source, at|
      variations.new({}).flat_map(source).map do |made|
        [at, made.key&.b, made.value&.b, made.headers, made.timestamp || source.timestamp]
      end
    end
    got = runner(variations).run(sources).records.map do |at, made|
      [at, made.key, made.value, made.headers, made.timestamp]
    end
    assert_equal expected, got
  end

  def test_a_record_shows_its_parts
    one = record("größe", key: "key", headers: [["a", "1"], ["b", nil], ["a", "2"]], timestamp: 5, offset: 7)
    assert_equal ["key", "größe".b, 5, 7], [one.key, one.value, one.timestamp, one.offset]
    assert_equal ["2", nil, nil], [one.header("a"), one.header("b"), one.header("c")]
    assert_equal "größe", one.text
    assert_nil record("x", offset: nil).offset
    assert_equal({ "a" => [1] }, record('{"a": [1]}').json)
    assert_equal 3, record("{").json(3)
    assert_raises(Tidemill::RecordError) { record("{").json }
    assert_raises(Tidemill::RecordError) { record(nil).text }
    assert_equal "", record(nil).text("")
  end

  def test_values_of_every_size_are_read
    [0, 1, 63, 64, 8191, 8192, 1 << 20].each do |size|
      value = "\0".b * size
      assert_equal value, record(value, key: value).value
      assert_equal value, record(value, key: value).key
    end
  end

  def test_what_cannot_be_a_module_is_told
    error = assert_raises(Tidemill::DefinitionError) { runner(define(Tidemill::Filter)) }
    assert_match(/has no method `filter`/, error.message)
    error = assert_raises(Tidemill::DefinitionError) { define(Tidemill::Filter) { param :when, Time } }
    assert_match(/`when` is of type Time/, error.message)
  end
end
