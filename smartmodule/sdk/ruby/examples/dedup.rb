# frozen_string_literal: true

require "set"
require "tidemill/smartmodule"

# Leaves out values that came before: a module with state, which it rebuilds by looking back.
class Dedup < Tidemill::Filter
  description "Leaves out values that came before."

  def start
    @seen = Set.new
  end

  def filter(record)
    new = @seen.add?(record.value)
    Tidemill::Log.debug("seen before: #{record.value}") unless new
    new
  end

  def look_back(record)
    @seen << record.value
  end
end
