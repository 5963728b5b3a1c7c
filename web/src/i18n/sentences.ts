/**
 * Sentences the server makes (why a node was not taken, findings), in other languages. They come from a fixed set in
 * `schema/src/finding.rs` and `schema/src/panorama`; a sentence that is none of them stays as it is.
 */

/** Names may hold anything, so the parts are told by the words between them, the first ones that fit. */
const CHINESE: readonly (readonly [RegExp, string])[] = [
  // Why a node was not taken.
  [/^optional$/, '可选节点，未执行'],
  [/^(.+) ended the link$/s, '$1 结束了链路'],
  [/^(.+) ran no round$/s, '$1 一轮也没有运行'],
  [/^(.+?) chose none of its cases \(inferred\)$/s, '$1 没有选中任何分支（推断）'],
  [/^(.+?) chose (.+), which is none of its cases$/s, '$1 选择了 $2，它不是已定义的分支'],
  // Findings.
  [/^the scene has no definition: shown is what was observed$/, '该场景没有定义：显示的是实际观察到的内容'],
  [
    /^(\d+) reports? of trace (.+) (?:is|are) shown in other executions as well$/s,
    'trace $2 的 $1 条上报也显示在其他执行中',
  ],
  [
    /^reports with different contents have the id (.+); the lesser one is shown$/s,
    '内容不同的上报有相同的 id $1；显示其中较小的一条',
  ],
  [/^(\d+) reports? of (.+) at (.+) \(boot (\d+)\) never arrived$/s, '$2 在 $3（启动 $4）的 $1 条上报从未到达'],
  [/^(.+?) chose (.+); its cases are (.*)$/s, '$1 选择了 $2；已定义的分支是 $3'],
  [/^the flow went past (.+), and none of its cases ran$/s, '流程越过了 $1，但它的分支都没有运行'],
  [/^(.+?) chose (.+), and nodes of (.+) ran$/s, '$1 选择了 $2，但 $3 的节点运行了'],
  [/^nodes of several cases of (.+?) ran: (.+)$/s, '$1 的多个分支都有节点运行：$2'],
  [/^(.+?) began (\S+ \S+) before (.+) ended on another host$/s, '$1 比另一台主机上的 $3 结束早 $2 开始'],
  [/^(.+?) ended (\S+ \S+) before (.+) began$/s, '$1 比 $3 开始早 $2 结束'],
  [/^run (.+) took (\S+ \S+), slow is above (\S+ \S+)$/s, '运行 $1 耗时 $2，超过慢阈值 $3'],
  // The most general ones last.
  [/^(.+?) chose (.+) \(inferred\)$/s, '$1 选择了 $2（推断）'],
  [/^(.+?) chose (.+)$/s, '$1 选择了 $2'],
];

const MAX_CHARS = 4000;

/** A sentence of the server in Chinese, or as it is. */
export function inChinese(sentence: string): string {
  if (sentence.length > MAX_CHARS) return sentence;
  const known = CHINESE.find(([form]) => form.test(sentence));
  return known ? sentence.replace(known[0], known[1]) : sentence;
}
