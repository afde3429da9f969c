# frozen_string_literal: true

# SmartModules in Ruby: small programs that Tidemill runs on the records of a stream, in a sandbox.
#
#   require "tidemill/smartmodule"
#
#   class Errors < Tidemill::Filter
#     description "Keeps records that tell of an error."
#
#     def filter(record) = record.value&.include?("error")
#   end
require_relative "smartmodule/version"
require_relative "smartmodule/errors"
require_relative "smartmodule/varint"
require_relative "smartmodule/record"
require_relative "smartmodule/output"
require_relative "smartmodule/frame"
require_relative "smartmodule/answer"
require_relative "smartmodule/params"
require_relative "smartmodule/log"
require_relative "smartmodule/kinds"
require_relative "smartmodule/exports"
