// What a built module gives to its host: the functions of contract/wit/smartmodule.wit.

import { failure } from "./answer.js";
import { encodeUtf8, decodeUtf8, fromBinary, toBinary } from "./binary.js";
import { Frame, FrameKind } from "./frame.js";
import { LEVELS, log, sendLogTo } from "./log.js";
import { SmartModule } from "./module.js";
import type { About, AnyContext, Start } from "./module.js";
import type { ParamSchema } from "./params.js";
import { InputRecord } from "./record.js";

/** The interface `tidemill:smartmodule/guest`. What is thrown is a failure's bytes. */
export interface Guest {
  describe(): Uint8Array;
  init(parameters: Uint8Array): void;
  process(frame: Uint8Array): Uint8Array;
  lookBack(frame: Uint8Array): void;
}

/** Writes a line to the host's log. */
export type HostLog = (level: number, text: string) => void;

function takes(kind: string): number {
  if (kind === "aggregate") return FrameKind.aggregate;
  return kind === "join" ? FrameKind.join : FrameKind.records;
}

/** Lets `console` write to the module's log, where the engine has none. */
function provideConsole(): void {
  const { debug, info, warn, error } = log;
  globalThis.console = { debug, log: info, info, warn, error, trace: debug } as Console;
}

/** Binds a module to its host. `about` says what the module's package is, and `sdk` what this one is. */
export function expose(module: unknown, about: About, sdk: string, hostLog: HostLog | undefined): Guest {
  if (!(module instanceof SmartModule)) {
    throw new TypeError(
      "the default export is no SmartModule: `export default filter(...)`, or whatever its kind is",
    );
  }
  let context: AnyContext | undefined;
  const listen = (): void => {
    if (hostLog !== undefined) sendLogTo((level, text) => hostLog(LEVELS.indexOf(level), text));
  };
  const guarded =
    <T>(work: (bytes: Uint8Array) => T) =>
    (bytes: Uint8Array): T => {
      listen();
      try {
        return work(bytes);
      } catch (error) {
        throw failure(error);
      }
    };
  const started = (): AnyContext => {
    if (context === undefined) throw new Error("it was not started");
    return context;
  };
  return {
    describe: () => fromBinary(encodeUtf8(JSON.stringify(module.describe(about, sdk)))),
    init: guarded((bytes) => {
      const { params = {}, place = "" } = JSON.parse(decodeUtf8(toBinary(bytes))) as Partial<Start<ParamSchema>>;
      context = module.start(params, place);
    }),
    process: guarded((bytes) => {
      const frame = new Frame(bytes);
      if (frame.kind !== takes(module.kind)) throw new Error(`a module of kind ${module.kind} takes no such frame`);
      return module.answer(frame, started());
    }),
    lookBack: guarded((bytes) => {
      const frame = new Frame(bytes);
      if (frame.kind !== FrameKind.lookBack) throw new Error("to look back takes a frame of older records");
      const { lookBack } = module.options;
      for (let index = 0; index < frame.count; index++) {
        const record = new InputRecord(frame);
        lookBack?.(record, started() as never);
      }
      frame.finish();
    }),
  };
}

/** Readies the engine before a module's own code runs: while a module is built, there is nobody to read its log. */
export function prepare(): void {
  sendLogTo(undefined);
  if (typeof console === "undefined") provideConsole();
}
