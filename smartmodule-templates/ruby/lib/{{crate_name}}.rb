# frozen_string_literal: true

require "tidemill/smartmodule"

{% if kind == "filter" -%}
# Keeps records whose value contains a text.
class Contains < Tidemill::Filter
  description "Keeps records whose value contains a text."
  param :text, String, "What to look for", default: "error"

  # Once for all records: bytes are searched as they are, without making text of them.
  def start
    @wanted = text.b
  end

  def filter(record)
    (record.value || "").include?(@wanted)
  end
end
{%- elsif kind == "map" -%}
# Writes values in capitals.
class Capitals < Tidemill::Map
  description "Writes values in capitals."

  def map(record)
    record.with_value(record.text.upcase)
  end
end
{%- elsif kind == "filter_map" -%}
# Doubles numbers, and leaves out what is none.
class Doubled < Tidemill::FilterMap
  description "Doubles numbers, and leaves out what is none."

  def filter_map(record)
    number = Integer(record.text("").strip, 10, exception: false)
    record.with_value((number * 2).to_s) if number
  end
end
{%- elsif kind == "flat_map" -%}
# Makes a record of each word.
class Words < Tidemill::FlatMap
  description "Makes a record of each word."

  def flat_map(record)
    record.text.split.map { |word| record.with_value(word) }
  end
end
{%- elsif kind == "validate" -%}
# Refuses values that are not numbers from 0 to 100.
class Percentage < Tidemill::Validate
  description "Refuses values that are not numbers from 0 to 100."

  def validate(record)
    text = record.text.strip
    number = Integer(text, 10, exception: false)
    return "`#{text}` is not a whole number" unless number

    "#{number} is not from 0 to 100" unless number.between?(0, 100)
  end
end
{%- elsif kind == "aggregate" -%}
# Adds up numbers.
class Total < Tidemill::Aggregate
  description "Adds up numbers."

  def aggregate(accumulator, record)
    (accumulator.to_i + Integer(record.text, 10)).to_s
  end
end
{%- elsif kind == "join" -%}
# Puts the left value before the right one, where the keys agree.
class SideBySide < Tidemill::Join
  description "Puts the left value before the right one, where the keys agree."

  def join(left, right)
    left.with_value("#{left.text} #{right.text}") if left.key == right.key
  end
end
{%- endif %}
