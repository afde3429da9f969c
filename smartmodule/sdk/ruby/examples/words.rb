# frozen_string_literal: true

require "tidemill/smartmodule"

# Makes a record of each word.
class Words < Tidemill::FlatMap
  description "Makes a record of each word."

  def flat_map(record)
    record.text.split.map { |word| record.with_value(word) }
  end
end
