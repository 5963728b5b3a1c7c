/** Two texts line by line: what was removed, added, and a little of what is around. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'gap';
  text: string;
}

const CONTEXT = 3;
/** Lines compared exactly at most, after the equal ends are cut off; longer middles are told as replaced. */
const EXACT_MAX = 3000;

export function lineDiff(left: string, right: string): DiffLine[] {
  const [one, two] = [left.split('\n'), right.split('\n')];
  let start = 0;
  while (start < one.length && start < two.length && one[start] === two[start]) start++;
  let end = 0;
  while (end < one.length - start && end < two.length - start && one.at(-1 - end) === two.at(-1 - end)) end++;
  const middle = middleDiff(one.slice(start, one.length - end), two.slice(start, two.length - end));
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  return withGaps([...one.slice(0, start).map(same), ...middle, ...one.slice(one.length - end).map(same)]);
}

function middleDiff(one: string[], two: string[]): DiffLine[] {
  if (one.length > EXACT_MAX || two.length > EXACT_MAX) {
    return [
      ...one.map((text): DiffLine => ({ kind: 'removed', text })),
      ...two.map((text): DiffLine => ({ kind: 'added', text })),
    ];
  }
  // Longest common subsequence, told backwards.
  const width = two.length + 1;
  const lengths = new Uint16Array((one.length + 1) * width);
  for (let row = one.length - 1; row >= 0; row--) {
    for (let column = two.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        one[row] === two[column]
          ? (lengths[(row + 1) * width + column + 1] as number) + 1
          : Math.max(lengths[(row + 1) * width + column] as number, lengths[row * width + column + 1] as number);
    }
  }
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < one.length || column < two.length) {
    if (row < one.length && column < two.length && one[row] === two[column]) {
      lines.push({ kind: 'same', text: one[row] as string });
      row++;
      column++;
    } else if (
      column >= two.length ||
      (row < one.length &&
        (lengths[(row + 1) * width + column] as number) >= (lengths[row * width + column + 1] as number))
    ) {
      lines.push({ kind: 'removed', text: one[row++] as string });
    } else {
      lines.push({ kind: 'added', text: two[column++] as string });
    }
  }
  return lines;
}

function withGaps(lines: DiffLine[]): DiffLine[] {
  if (lines.every((line) => line.kind === 'same')) return lines;
  const near = new Uint8Array(lines.length);
  lines.forEach((line, at) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
  });
  return lines.flatMap((line, at): DiffLine[] => {
    if (near[at]) return [line];
    return at === 0 || near[at - 1] ? [{ kind: 'gap', text: '' }] : [];
  });
}
