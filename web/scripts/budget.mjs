// Holds the first load against its budget: what a browser fetches for the login, and then for the
// list of projects, in the smallest form that the server sends.
import { existsSync, readFileSync, statSync } from 'node:fs';

const SITE = 'dist/site';
const BUDGET = { js: 300 * 1024, css: 60 * 1024 };
const PAGES = ['src/pages/Login.tsx', 'src/pages/Projects.tsx'];

const manifest = JSON.parse(readFileSync(`${SITE}/.vite/manifest.json`, 'utf8'));

/** A chunk with everything that it needs before it runs. */
function collect(key, files, seen = new Set()) {
  if (seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the manifest: was it renamed?`);
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const needed of chunk.imports ?? []) collect(needed, files, seen);
}

const files = new Set();
const seen = new Set();
// The larger one of the languages: everybody loads one.
for (const key of ['index.html', 'src/i18n/zh/index.ts', ...PAGES]) collect(key, files, seen);

const sent = (file) => {
  const path = `${SITE}/${file}`;
  const forms = [path, `${path}.br`].filter((form) => existsSync(form));
  return Math.min(...forms.map((form) => statSync(form).size));
};
const sizes = { js: 0, css: 0 };
for (const file of files) sizes[file.endsWith('.css') ? 'css' : 'js'] += sent(file);

let broken = false;
for (const [kind, size] of Object.entries(sizes)) {
  const kib = (bytes) => `${Math.round(bytes / 1024)} KiB`;
  console.log(`${kind}: ${kib(size)} of ${kib(BUDGET[kind])}`);
  if (size > BUDGET[kind]) broken = true;
}
if (broken) {
  console.error('the first load is over its budget: load the new part where it is first shown');
  process.exit(1);
}
