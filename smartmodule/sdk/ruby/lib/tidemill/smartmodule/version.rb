# frozen_string_literal: true

module Tidemill
  # What Tidemill says to a module and hears of it.
  module SmartModule
    # The version of this SDK.
    VERSION = "0.1.0"
  end
end
