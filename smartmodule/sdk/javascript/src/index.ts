/**
 * SmartModules in JavaScript and TypeScript: small programs that Tidemill runs on the records of a stream, in a sandbox.
 *
 * A module is the default export of its file:
 *
 * ```js
 * import { filter } from "@tidemill/smartmodule";
 *
 * export default filter((record) => record.includes("error"));
 * ```
 *
 * @packageDocumentation
 */

export { aggregate, filter, filterMap, flatMap, join, map, validate } from "./kinds.js";
export type { AggregateOptions, NoParams } from "./kinds.js";
export { log } from "./log.js";
export type { Level } from "./log.js";
export type { Context, Kind, Options, SmartModule, Start } from "./module.js";
export type { Bytes, Change, NewHeaders, Output, OutputRecord } from "./output.js";
export { param } from "./params.js";
export type { Optional, Param, ParamOptions, Params, ParamSchema, ParamType, ParamTypes } from "./params.js";
export type { Header, InputRecord } from "./record.js";
