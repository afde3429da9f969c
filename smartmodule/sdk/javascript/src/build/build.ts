// From the sources of a module to its wasm file: esbuild makes one script, which goes into a component with QuickJS inside.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { componentize } from "componentize-qjs";
import { build as bundle } from "esbuild";
import type { BuildFailure } from "esbuild";

import type { About } from "../module.js";

/** Something that its user can mend. */
export class BuildError extends Error {}

/** What to build. */
export interface BuildOptions {
  /** Files whose default exports are modules; the package's usual one if empty. */
  readonly entries: readonly string[];
  /** Where to write, from the package's directory. */
  readonly outDir: string;
  /** Shorten the names in the code. */
  readonly minify: boolean;
}

/** A file that was written. */
export interface Built {
  readonly path: string;
  readonly size: number;
}

/** What this needs of a `package.json`. */
interface Package {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
}

const USUAL = ["src/index.ts", "src/index.js", "index.ts", "index.js"];
const HOST = "tidemill:smartmodule/host@1.0.0";
const SDK = fileURLToPath(new URL("../..", import.meta.url));

/** Builds modules of the package around the working directory, one after the other. */
export async function build(options: BuildOptions): Promise<Built[]> {
  const root = packageRoot(process.cwd());
  const pack = readPackage(root);
  const built: Built[] = [];
  const entries = options.entries.length > 0 ? options.entries.map((entry) => resolve(entry)) : [usualEntry(root)];
  for (const entry of entries) {
    const about = aboutModule(entry, pack);
    const script = await bundled(entry, about, options.minify);
    const wasm = await componentized(script, relative(process.cwd(), entry));
    const path = join(resolve(root, options.outDir), `${about.name}.wasm`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, wasm);
    built.push({ path: relative(process.cwd(), path), size: wasm.length });
  }
  return built;
}

function packageRoot(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (dirname(at) === at) throw new BuildError(`there is no package.json in ${from} or above it; run this in a project`);
  }
}

function readPackage(root: string): Package {
  const path = join(root, "package.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Package;
  } catch (error) {
    throw new BuildError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

function usualEntry(root: string): string {
  const found = USUAL.map((name) => join(root, name)).find((path) => existsSync(path));
  if (found === undefined) {
    throw new BuildError(`there is none of ${USUAL.join(", ")} in ${root}; name the file that exports the module`);
  }
  return found;
}

function aboutModule(entry: string, pack: Package): About {
  const file = basename(entry, extname(entry));
  const name = pack.name?.replace(/^@[^/]*\//, "");
  return {
    name: file === "index" && name !== undefined ? name : file,
    version: pack.version ?? "0.0.0",
    description: pack.description ?? "",
    language: /\.[cm]?ts$/.test(entry) ? "typescript" : "javascript",
  };
}

/** One script of the module, this package, and whatever else they import. */
async function bundled(entry: string, about: About, minify: boolean): Promise<string> {
  if (!existsSync(entry)) throw new BuildError(`there is no file ${entry}`);
  const sdk = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8")) as Required<Package>;
  const guest = JSON.stringify(join(SDK, "dist/guest.js"));
  const start = `
    import { log } from "${HOST}";
    import { expose } from ${guest};
    import "tidemill:prepared";
    import module from ${JSON.stringify(entry)};
    export const guest = expose(module, ${JSON.stringify(about)}, "${sdk.name} ${sdk.version}", log);`;
  try {
    const { outputFiles } = await bundle({
      stdin: { contents: start, resolveDir: dirname(entry), sourcefile: "tidemill:start", loader: "js" },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2023",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["import", "default"],
      external: [HOST],
      minifySyntax: true,
      minifyWhitespace: minify,
      minifyIdentifiers: minify,
      logLevel: "silent",
      plugins: [prepared(guest)],
    });
    return (outputFiles[0] as { text: string }).text;
  } catch (error) {
    const failed = error as BuildFailure;
    if (!Array.isArray(failed.errors)) throw error;
    const lines = failed.errors.map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`,
    );
    throw new BuildError(lines.join("\n"));
  }
}

/** A script that runs before the module's own, since scripts run in the order in which they are imported. */
function prepared(guest: string): import("esbuild").Plugin {
  return {
    name: "prepared",
    setup(build) {
      build.onResolve({ filter: /^tidemill:prepared$/ }, ({ path }) => ({ path, namespace: "tidemill" }));
      build.onLoad({ filter: /.*/, namespace: "tidemill" }, () => ({
        contents: `import { prepare } from ${guest}; prepare();`,
        resolveDir: SDK,
        loader: "js",
      }));
    },
  };
}

async function componentized(jsSource: string, entry: string): Promise<Buffer> {
  try {
    const { component } = await componentize({
      witPath: join(SDK, "wit/smartmodule.wit"),
      jsSource,
      // Without the asynchronous half of the component model, which no host of modules has.
      sync: true,
    });
    return component;
  } catch (error) {
    throw new BuildError(`${entry}: ${(error as Error).message}`);
  }
}
