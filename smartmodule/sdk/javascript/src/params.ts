/** What the values of a parameter are. */
export type ParamType = "string" | "integer" | "number" | "boolean" | "stringList" | "json";

declare const valueOf: unique symbol;

/** One parameter, as {@link param} makes it. */
export interface Param<T> {
  /** What its values are. */
  readonly type: ParamType;
  /** Whether it must be given. */
  readonly required: boolean;
  /** Its value when it is not given. */
  readonly default?: unknown;
  /** The values that it may have; any of its type if missing. */
  readonly oneOf?: readonly unknown[];
  /** What it is for, for the people who set it. */
  readonly description: string;
  /** The type of its value. It has no value here. */
  readonly [valueOf]?: T;
}

/** The parameters of a module, by name. */
export interface ParamSchema {
  readonly [name: string]: Param<unknown>;
}

/** What a module gets for a schema: a value for each name. */
export type Params<P extends ParamSchema> = {
  readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never;
};

/** More about a parameter. */
export interface ParamOptions<T> {
  /** Its value when it is not given. */
  readonly default?: NoInfer<T>;
  /** The values that it may have. */
  readonly oneOf?: readonly T[];
  /** What it is for, for the people who set it. */
  readonly description?: string;
  /** It may be left out, and then is `undefined`. */
  readonly optional?: boolean;
}

/** A parameter that may be left out. */
export type Optional<T> = ParamOptions<T> & { readonly optional: true };

/** What {@link param} can do. */
export interface ParamTypes {
  /** Text. With `oneOf`, its type is that of the values named there. */
  string<const T extends string = string>(options: Optional<T>): Param<T | undefined>;
  string<const T extends string = string>(options?: ParamOptions<T>): Param<T>;
  /** A whole number; beyond 2^53 the nearest one that JavaScript has. */
  integer(options: Optional<number>): Param<number | undefined>;
  integer(options?: ParamOptions<number>): Param<number>;
  /** A number. */
  number(options: Optional<number>): Param<number | undefined>;
  number(options?: ParamOptions<number>): Param<number>;
  /** `true` or `false`. */
  boolean(options: Optional<boolean>): Param<boolean | undefined>;
  boolean(options?: ParamOptions<boolean>): Param<boolean>;
  /** A list of texts. */
  stringList(options: Optional<readonly string[]>): Param<readonly string[] | undefined>;
  stringList(options?: ParamOptions<readonly string[]>): Param<readonly string[]>;
  /** Any JSON. The type is what you say it is: nothing checks it. */
  json<T = unknown>(options: Optional<T>): Param<T | undefined>;
  json<T = unknown>(options?: ParamOptions<T>): Param<T>;
}

function make(type: ParamType, options: ParamOptions<unknown> = {}): Param<never> {
  const { description = "", oneOf } = options;
  const required = options.default === undefined && options.optional !== true;
  return {
    type,
    required,
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(oneOf === undefined ? {} : { oneOf }),
    description,
  };
}

/**
 * Declares parameters. The server checks what it is given against this before a module starts, and fills in what is left
 * out; so a module can rely on the types.
 *
 * ```js
 * const params = {
 *   text: param.string({ description: "What to look for" }),
 *   invert: param.boolean({ default: false }),
 *   field: param.string({ oneOf: ["key", "value"], default: "value" }),
 * };
 * ```
 */
export const param: ParamTypes = {
  string: (options?: ParamOptions<string>) => make("string", options),
  integer: (options?: ParamOptions<number>) => make("integer", options),
  number: (options?: ParamOptions<number>) => make("number", options),
  boolean: (options?: ParamOptions<boolean>) => make("boolean", options),
  stringList: (options?: ParamOptions<readonly string[]>) => make("stringList", options),
  json: (options?: object) => make("json", options),
};

/** The parameters as a module's description has them. */
export function describeParams(schema: ParamSchema): object[] {
  return Object.entries(schema).map(([name, declared]) => ({ name, ...declared }));
}

/** Whether a value is of the type that a parameter has, as the server checks it. */
function fits(type: ParamType, value: unknown): boolean {
  switch (type) {
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    case "integer":
      return Number.isInteger(value);
    case "stringList":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "json":
      return value !== undefined;
  }
}

/** What the server does before it starts a module: checks `given` and fills in defaults. For tests. */
export function resolveParams(schema: ParamSchema, given: { readonly [name: string]: unknown }): Params<ParamSchema> {
  const unknown = Object.keys(given).find((name) => !(name in schema));
  if (unknown !== undefined) throw new Error(`the module has no parameter \`${unknown}\``);
  const resolved: { [name: string]: unknown } = {};
  for (const [name, declared] of Object.entries(schema)) {
    const value = given[name] ?? declared.default;
    if (value === undefined) {
      if (declared.required) throw new Error(`parameter \`${name}\` is missing; it is of type ${declared.type}`);
      continue;
    }
    if (!fits(declared.type, value)) {
      throw new Error(`parameter \`${name}\` must be of type ${declared.type}, not ${JSON.stringify(value)}`);
    }
    if (declared.oneOf !== undefined && !declared.oneOf.includes(value)) {
      throw new Error(`parameter \`${name}\` must be one of ${declared.oneOf.join(", ")}, not ${JSON.stringify(value)}`);
    }
    resolved[name] = value;
  }
  return resolved;
}
