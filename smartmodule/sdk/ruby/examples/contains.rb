# frozen_string_literal: true

require "tidemill/smartmodule"

# Keeps records whose value contains a text.
class Contains < Tidemill::Filter
  description "Keeps records whose value contains a text."
  param :text, String, "What to look for", default: "error"
  param :invert, :boolean, "Keep what does not have it", default: false

  # Once for all records: bytes are searched as they are, without making text of them.
  def start
    @wanted = text.b
  end

  def filter(record)
    (record.value || "").include?(@wanted) != invert
  end
end
