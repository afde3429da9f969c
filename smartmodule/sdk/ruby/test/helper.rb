# frozen_string_literal: true

$LOAD_PATH.unshift File.expand_path("../lib", __dir__), File.expand_path("../examples", __dir__)

require "minitest/autorun"
require "tidemill/smartmodule/testing"

# What tests use all the time.
module Helper
  NOW = Tidemill::Testing::NOW

  def record(...) = Tidemill::Testing.record(...)
  def runner(...) = Tidemill::Testing::Runner.new(...)

  # A module of a kind that is not kept for others to find.
  def define(kind, &body)
    Class.new(kind, &body).tap { |made| Tidemill::Base.modules.delete(made) }
  end
end
