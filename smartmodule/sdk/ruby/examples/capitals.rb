# frozen_string_literal: true

require "tidemill/smartmodule"

# Writes values in capitals.
class Capitals < Tidemill::Map
  description "Writes values in capitals, and says so in a header."

  def map(record)
    record.with_value(record.text.upcase).with_header("written", "in capitals")
  end
end
