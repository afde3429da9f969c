# frozen_string_literal: true

require "tidemill/smartmodule"

# Adds up numbers.
class Total < Tidemill::Aggregate
  description "Adds up numbers."

  def aggregate(accumulator, record)
    (accumulator.to_i + Integer(record.text, 10)).to_s
  end
end
