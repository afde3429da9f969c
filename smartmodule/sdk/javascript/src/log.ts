/** How much a line matters. */
export type Level = "debug" | "info" | "warn" | "error";

/** Takes the lines that a module writes. */
export type Sink = (level: Level, text: string) => void;

/** The levels in the order of their numbers in the contract. */
export const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

// Outside a server there is a console, and while a module is built there is nobody to read.
let sink: Sink | undefined = (level, text) => console[level](text);

/** @internal Sends lines elsewhere; `undefined` drops them. */
export function sendLogTo(other: Sink | undefined): void {
  sink = other;
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack.trimEnd()}` : String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function writer(level: Level): (...values: unknown[]) => void {
  return (...values) => sink?.(level, values.map(shown).join(" "));
}

/**
 * The module's log, which the server keeps, within limits. Values are joined by spaces; what is not text is written as JSON.
 * In a server `console` goes here too.
 */
export const log: Readonly<{ [L in Level]: (...values: unknown[]) => void }> = {
  /** For the author of the module. */
  debug: writer("debug"),
  /** Worth knowing. */
  info: writer("info"),
  /** Worth a look. */
  warn: writer("warn"),
  /** Something failed. */
  error: writer("error"),
};
