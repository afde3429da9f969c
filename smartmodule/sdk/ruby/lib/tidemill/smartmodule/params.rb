# frozen_string_literal: true

module Tidemill
  module SmartModule
    # One parameter of a module.
    class Param
      # What Ruby calls the types of the contract: a class or a symbol.
      TYPES = {
        String => "string", Integer => "integer", Float => "number", Array => "stringList",
        :string => "string", :integer => "integer", :number => "number", :boolean => "boolean",
        :string_list => "stringList", :json => "json"
      }.freeze
      NAMES = {
        "string" => "a string", "integer" => "a whole number", "number" => "a number", "boolean" => "true or false",
        "stringList" => "a list of strings", "json" => "JSON"
      }.freeze
      private_constant :NAMES

      attr_reader :name, :default

      # Raises DefinitionError for a type that no parameter has.
      def initialize(name, type, description, default: nil, required: nil, one_of: [])
        @name = name.to_s
        @type = TYPES.fetch(type) do
          raise DefinitionError, "the parameter `#{name}` is of type #{type.inspect}; it may be one of " \
                                 "#{TYPES.keys.map(&:inspect).join(', ')}"
        end
        @description = description
        @default = default
        @required = required.nil? ? default.nil? : required
        @one_of = one_of
      end

      # As the module's description has it.
      def describe
        described = { "name" => @name, "type" => @type, "required" => @required, "description" => @description }
        described["default"] = @default unless @default.nil?
        described["oneOf"] = @one_of unless @one_of.empty?
        described
      end

      # The value as the module sees it; raises ParamError when it is of another type.
      def check(value)
        raise ParamError, "the parameter `#{@name}` must be #{NAMES[@type]}, not #{value.inspect}" unless fits?(value)

        value = value.to_f if @type == "number"
        return value if @one_of.empty? || @one_of.include?(value)

        raise ParamError, "the parameter `#{@name}` must be one of #{@one_of.join(', ')}, not #{value.inspect}"
      end

      # What it is when nothing is given; raises ParamError when something must be.
      def missing
        raise ParamError, "the parameter `#{@name}` is missing; it is #{NAMES[@type]}" if @required

        @default
      end

      private

      def fits?(value)
        case @type
        when "string" then value.is_a?(String)
        when "integer" then value.is_a?(Integer)
        when "number" then value.is_a?(Numeric)
        when "boolean" then [true, false].include?(value)
        when "stringList" then value.is_a?(Array) && value.all?(String)
        else true
        end
      end
    end
  end
end
