# frozen_string_literal: true

require_relative "helper"

# Parameters: what a module says of them, and what it refuses.
class TestParams < Minitest::Test
  include Helper

  def all
    define(Tidemill::Filter) do
      param :text, String, "What to look for"
      param :count, Integer, "How many", default: 3
      param :ratio, Float, default: 0.5
      param :strict, :boolean, default: false
      param :fields, Array, default: ["a"]
      param :rules, :json, required: false
      param :side, String, one_of: %w[key value], default: "value"

      def filter(_record) = [text, count, ratio, strict, fields, rules, side] == ["x", 3, 1.0, true, ["b"], nil, "key"]
    end
  end

  def test_the_description_says_what_the_module_does
    described = all.describe["params"].to_h { |param| [param["name"], param] }
    assert_equal({ "name" => "text", "type" => "string", "required" => true, "description" => "What to look for" },
                 described["text"])
    assert_equal %w[string integer number boolean stringList json string], described.values.map { |param| param["type"] }
    assert_equal 3, described["count"]["default"]
    assert_equal false, described["strict"]["default"]
    assert_equal %w[key value], described["side"]["oneOf"]
    assert_equal(["text"], described.select { |_, param| param["required"] }.keys)
  end

  def test_values_are_filled_in
    running = runner(all, text: "x", ratio: 1, strict: true, fields: ["b"], side: "key")
    assert_equal ["r"], running.values([record("r")])
  end

  {
    {} => "`text` is missing; it is a string",
    { text: 1 } => "`text` must be a string, not 1",
    { text: "x", count: 1.5 } => "`count` must be a whole number, not 1.5",
    { text: "x", fields: ["a", 1] } => "`fields` must be a list of strings",
    { text: "x", strict: "true" } => "`strict` must be true or false",
    { text: "x", side: "left" } => "`side` must be one of key, value, not \"left\"",
    { text: "x", txt: "y" } => "no parameter `txt`; it takes text, count"
  }.each do |given, why|
    define_method("test_wrong_values_#{given}") do
      error = assert_raises(Tidemill::ParamError) { runner(all, **given) }
      assert_includes error.message, why
    end
  end
end
