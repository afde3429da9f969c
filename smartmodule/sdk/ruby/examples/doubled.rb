# frozen_string_literal: true

require "tidemill/smartmodule"

# Doubles numbers.
class Doubled < Tidemill::FilterMap
  description "Doubles numbers; leaves out what is none."

  def filter_map(record)
    number = Integer(record.text("").strip, 10, exception: false)
    record.with_value((number * 2).to_s) if number
  end
end
