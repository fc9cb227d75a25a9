// Builds the assets of the page: one script, one style sheet, and the licences of what is in them.
//
// Users need no node: what this writes is committed. `npm ci && npm run build` writes the same bytes again.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const assets = fileURLToPath(new URL("../pytest_velo/report/page/assets/", import.meta.url));
const shared = { absWorkingDir: here, bundle: true, minify: true, legalComments: "none", charset: "ascii", write: false, metafile: true, logLevel: "warning" };

const script = await build({ ...shared, entryPoints: ["src/main.js"], format: "esm", target: "es2022" });
const style = await build({ ...shared, entryPoints: ["src/page.css"] });

// The script stands inline and awaits at its top level, so it is wrapped in a function; it has no imports left.
const code = `(async()=>{${script.outputFiles[0].text.trim()}})();\n`;
if (/<\/script|<!--/i.test(code)) throw new Error("the script would end its own element");
await writeFile(`${assets}page.js`, code);
await writeFile(`${assets}page.css`, style.outputFiles[0].text);

const packages = new Set();
for (const { metafile } of [script, style]) {
  for (const input of Object.keys(metafile.inputs)) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
    if (found) packages.add(found[1]);
  }
}
const parts = [];
for (const name of [...packages].sort()) {
  const folder = `${here}node_modules/${name}/`;
  const { version, license } = JSON.parse(await readFile(`${folder}package.json`, "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[sc]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence`);
  const text = (await readFile(folder + file, "utf8")).replaceAll("\r\n", "\n").trim();
  parts.push(`${name} ${version} (${license})\n\n${text}\n`);
}
await writeFile(`${assets}LICENSES.txt`, parts.join(`\n${"-".repeat(78)}\n\n`));

// What was built from what: a test compares, so that nobody forgets to build.
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const digests = {};
for (const name of ["LICENSES.txt", "page.css", "page.js"]) digests[name] = digest(await readFile(assets + name));
for (const name of ["build.mjs", "package-lock.json"]) digests[name] = digest(await readFile(here + name));
for (const name of (await readdir(`${here}src`)).sort()) digests[`src/${name}`] = digest(await readFile(`${here}src/${name}`));
await writeFile(`${assets}digests.json`, `${JSON.stringify(digests, null, 1)}\n`);
