# frozen_string_literal: true

require "tidemill/smartmodule"

# Joins an order with its customer.
class SideBySide < Tidemill::Join
  description "Puts the left value before the right one, where the keys agree."

  def join(left, right)
    left.with_value("#{left.text} #{right.text}") if left.key == right.key
  end
end
