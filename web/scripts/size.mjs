// Fails the build when the main chunk outgrows its budget; prints the size of every file.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 250;
const folder = new URL('../dist/assets/', import.meta.url);
let worst = 0;
for (const name of readdirSync(folder).sort()) {
  const bytes = gzipSync(readFileSync(new URL(name, folder))).length;
  console.log(`${(bytes / 1000).toFixed(1).padStart(8)} kB gzip  ${name}`);
  if (/^index-.*\.js$/.test(name)) worst = Math.max(worst, bytes);
}
if (worst > BUDGET_KB * 1000) {
  console.error(`the main chunk has ${(worst / 1000).toFixed(1)} kB gzip; allowed are ${BUDGET_KB} kB`);
  process.exit(1);
}
