# frozen_string_literal: true

require "tidemill/smartmodule"

# Refuses values that are not numbers from 0 to 100.
class Percentage < Tidemill::Validate
  description "Refuses values that are not numbers from 0 to 100."

  def validate(record)
    number = Float(record.text, exception: false)
    return "`#{record.text}` is not a number" unless number

    "#{number} is not from 0 to 100" unless number.between?(0, 100)
  end
end
