# frozen_string_literal: true

module Tidemill
  # A module: inherit from one of its kinds below, which say which method to write. Its parameters become readers. It lives
  # as long as its stream; where it has a method `look_back(record)`, it sees older records before the others.
  class Base
    @modules = []

    class << self
      # Every module that was defined, in order.
      attr_reader :modules

      # What the module is for: shown to users.
      def description(text = nil)
        text ? @description = text : @description.to_s
      end

      # A parameter: its name, its type (String, Integer, Float, :boolean, Array for a list of strings, :json), what it is
      # for, and its default, without which it must be given.
      def param(name, type, description = "", **options)
        params << SmartModule::Param.new(name, type, description, **options)
        define_method(name) { @params[name.to_s] }
      end

      # Its parameters.
      def params
        @params ||= superclass.respond_to?(:params) ? superclass.params.dup : []
      end

      # Its kind.
      def kind
        @kind || superclass.kind
      end

      def inherited(subclass)
        super
        # The kinds themselves are no modules.
        Base.modules << subclass unless equal?(Base)
      end

      # The description that the server reads.
      def describe(name = "", version = "")
        check
        { "abi" => 1, "kind" => kind, "name" => name.empty? ? self.name.to_s : name, "version" => version,
          "description" => description, "language" => "ruby", "sdk" => "tidemill-smartmodule #{SmartModule::VERSION}",
          "params" => params.map(&:describe), "lookBack" => method_defined?(:look_back) }
      end

      private

      def check
        return if method_defined?(kind)

        raise DefinitionError, "the class #{self.name} has no method `#{kind}`, which a module of its kind needs"
      end
    end

    # Starts it with parameters by name. A module with state overrides `start`, not this.
    def initialize(values)
      known = self.class.params.to_h { |param| [param.name, param] }
      values.each_key do |name|
        next if known.key?(name)

        takes = known.empty? ? "it takes none" : "it takes #{known.keys.join(', ')}"
        raise ParamError, "the module has no parameter `#{name}`; #{takes}"
      end
      @params = known.transform_values do |param|
        values[param.name].nil? ? param.missing : param.check(values[param.name])
      end
      start
    end

    # Called once, when the parameters are there. Raise ParamError when they make no sense together.
    def start; end
  end

  # Keeps the records for which `filter(record)` is true.
  class Filter < Base
    @kind = "filter"
  end

  # Makes one record of each: `map(record)`.
  class Map < Base
    @kind = "map"
  end

  # Makes one record, or nil for none, of each: `filter_map(record)`.
  class FilterMap < Base
    @kind = "filter_map"
  end

  # Makes any number of records of each: `flat_map(record)`.
  class FlatMap < Base
    @kind = "flat_map"
  end

  # Gives the reason why a record is bad, which its producer is told, and nil for a good one: `validate(record)`.
  class Validate < Base
    @kind = "validate"
  end

  # Gives the accumulator with the record in it: `aggregate(accumulator, record)`. It is empty at the beginning.
  class Aggregate < Base
    @kind = "aggregate"
  end

  # Makes one record, or nil for none, of a left and a right one: `join(left, right)`.
  class Join < Base
    @kind = "join"
  end
end
