// The command `tidemill-smartmodule`.

import { parseArgs } from "node:util";

import { BuildError, build } from "./build.js";

const USAGE = `\
Usage: tidemill-smartmodule build [ENTRY...] [--out-dir DIR] [--minify]

Builds SmartModules: dist/NAME.wasm for each ENTRY.

  ENTRY          a file whose default export is a module; src/index.ts or src/index.js if none is named.
                 NAME is the package's for index.ts and index.js, else the file's.
  --out-dir DIR  where to write, from the package's directory; dist if not given
  --minify       shorten the names in the code; what fails then says less of where
`;

/** Runs the command, and gives its exit code. */
export async function main(given: readonly string[]): Promise<number> {
  const options = {
    "out-dir": { type: "string", default: "dist" },
    minify: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...given], options, allowPositionals: true });
    const [command, ...entries] = positionals;
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    if (command !== "build") throw new BuildError(`there is no command ${command ?? "given"}\n\n${USAGE}`);
    for (const built of await build({ entries, outDir: values["out-dir"], minify: values.minify })) {
      process.stdout.write(`${built.path} (${(built.size / 1024 / 1024).toFixed(2)} MiB)\n`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError) && !isUsage(error)) throw error;
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return isUsage(error) ? 2 : 1;
  }
}

function isUsage(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS");
}
