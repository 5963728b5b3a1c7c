/** Reported text made safe to look at: nothing in it can steer, reorder or flood the page. */

const NAMES: Record<number, string> = {
  8203: 'ZWSP',
  8206: 'LRM',
  8207: 'RLM',
  1564: 'ALM',
  8234: 'LRE',
  8235: 'RLE',
  8236: 'PDF',
  8237: 'LRO',
  8238: 'RLO',
  8232: 'LS',
  8233: 'PS',
  8294: 'LRI',
  8295: 'RLI',
  8296: 'FSI',
  8297: 'PDI',
  65279: 'BOM',
};

const ODD =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u061c\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/g;

/** Control and direction-changing characters as visible signs; tab and line feed stay. */
export function visible(text: string): string {
  return text.replace(ODD, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `⟨${NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}⟩`;
  });
}

/** The same on one line: line feeds and tabs become signs too. */
export function visibleLine(text: string): string {
  return visible(text).replace(/\n/g, '⏎').replace(/\t/g, ' ');
}

/** The beginning of a text, never cutting a character in two. */
export function head(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/** Where `needle` occurs in `text`, whatever its case: [start, end) pairs that do not overlap. */
export function occurrences(text: string, needle: string, max = 1000): [number, number][] {
  const found: [number, number][] = [];
  if (!needle) return found;
  const low = text.toLowerCase();
  const want = needle.toLowerCase();
  // Lower case of a few characters is longer; then places differ and only the plain text is searched.
  const hay = low.length === text.length ? low : text;
  for (let at = hay.indexOf(want); at !== -1 && found.length < max; at = hay.indexOf(want, at + want.length)) {
    found.push([at, at + want.length]);
  }
  return found;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${Number((count / 1024).toFixed(1))} KiB`;
  return `${Number((count / 1024 / 1024).toFixed(1))} MiB`;
}
