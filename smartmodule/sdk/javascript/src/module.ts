import type { ParamSchema, Params } from "./params.js";
import { describeParams } from "./params.js";
import type { Frame } from "./frame.js";
import type { InputRecord } from "./record.js";

/** What a module does with records. */
export type Kind = "filter" | "map" | "filter_map" | "flat_map" | "validate" | "aggregate" | "join";

/** What a module knows when it starts. */
export interface Start<P extends ParamSchema> {
  /** Its parameters, checked, with defaults filled in. */
  readonly params: Params<P>;
  /** Where it is attached, in words for messages: `ingest of orders`, say. */
  readonly place: string;
}

/** What a module knows while it runs. */
export interface Context<P extends ParamSchema, S> extends Start<P> {
  /** What its `init` gave: it lives as long as the stream. */
  readonly state: S;
}

/** More about a module. */
export interface Options<P extends ParamSchema, S> {
  /** Its name, if it is not to be that of the package. */
  readonly name?: string;
  /** What it is for, if that is not what `package.json` says. */
  readonly description?: string;
  /** The parameters that it takes. */
  readonly params?: P;
  /**
   * Starts it, once for each stream; what it gives is the `state`. What is at the top level of the file has run long before:
   * when the module was built.
   * @throws Anything, if the parameters make no sense together; each by itself was checked. The stream does not start then.
   */
  readonly init?: (start: Start<P>) => S;
  /**
   * Sees older records, oldest first, before any other, to rebuild the state from.
   * @throws Anything, if the state cannot be rebuilt. The stream does not start then.
   */
  readonly lookBack?: (record: InputRecord, context: Context<P, S>) => void;
}

/** A module's options whatever its parameters and its state are. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyOptions = Options<any, any>;
/** The context of a module whatever its parameters and its state are. */
export type AnyContext = Context<ParamSchema, never>;

/** What the builder knows of a module. */
export interface About {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly language: string;
}

/** A module: make one with {@link filter}, {@link map} and their like, and export it as the default of its file. */
export class SmartModule {
  /** What it does with records. */
  readonly kind: Kind;
  /** @internal */
  readonly options: AnyOptions;
  /** @internal Answers a frame. */
  readonly answer: (frame: Frame, context: AnyContext) => Uint8Array;

  /** @internal */
  constructor(kind: Kind, options: AnyOptions, answer: (frame: Frame, context: AnyContext) => Uint8Array) {
    this.kind = kind;
    this.options = options;
    this.answer = answer;
  }

  /** @internal What it says of itself. */
  describe(about: About, sdk: string): object {
    return {
      abi: 1,
      kind: this.kind,
      name: this.options.name ?? about.name,
      version: about.version,
      description: this.options.description ?? about.description,
      language: about.language,
      sdk,
      params: describeParams(this.options.params ?? {}),
      lookBack: this.options.lookBack !== undefined,
    };
  }

  /** @internal Starts it. */
  start(params: Params<ParamSchema>, place: string): AnyContext {
    const start = { params: Object.freeze(params), place };
    return Object.freeze({ ...start, state: this.options.init?.(start) as never });
  }
}
