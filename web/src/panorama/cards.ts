/** From the answer about an execution to what is drawn. */
import type { Definition, DefinitionNode, Execution, NodeState, PanoramaNode } from '../api/types';
import { latestRun } from '../compare/diff';
import type { Translate } from '../i18n';
import { alarms } from '../lib/level';
import { visibleLine } from '../lib/text';
import { duration } from '../lib/time';
import { stateKey } from '../ui/parts';
import { flatten } from './blocks';
import type { Card } from './graph';

const QUIET_STATES: ReadonlySet<NodeState> = new Set(['completed', 'not_reached', 'not_taken', 'running']);

/** A minor node is drawn small unless something is wrong with it. */
export function isSmall(node: PanoramaNode, showMinor: boolean): boolean {
  return Boolean(node.minor) && !showMinor && QUIET_STATES.has(node.state) && alarms(node.logCounts).errors === 0;
}

export function cardLine(node: PanoramaNode, state: NodeState, t: Translate): string {
  const run = latestRun(node);
  const parts: string[] = [];
  if (state === 'not_taken' && node.notTakenBecause) return visibleLine(t.sentence(node.notTakenBecause));
  if (node.sub) parts.push(node.sub.sceneId);
  if (node.case !== undefined && state !== 'not_reached')
    parts.push(`${node.caseInferred ? '≈ ' : '→ '}${visibleLine(node.case)}`);
  if (node.rounds !== undefined) parts.push(t('card.rounds', { n: node.rounds }));
  if ((state === 'completed' || state === 'failed') && run?.durationMicros != null)
    parts.push(duration(run.durationMicros));
  else if (state !== 'completed') parts.push(t(stateKey(state)));
  if (node.runs.length > 1 && node.rounds === undefined) parts.push(t('card.runs', { n: node.runs.length }));
  if (run?.status === 'SKIPPED') parts.push(t('card.skipped'));
  if (run?.service && state !== 'not_reached') parts.push(visibleLine(run.service));
  return parts.join(' · ');
}

/** Cards of an execution, `states` over its own (replay); `find` dims what does not match. */
export function executionCards(
  execution: Execution,
  states: ReadonlyMap<string, NodeState> | null,
  find: string,
  t: Translate,
): Map<string, Card> {
  const flagged = new Set(execution.findings.map((finding) => finding.nodeName));
  const want = find.trim().toLowerCase();
  return new Map(
    execution.nodes.map((node): [string, Card] => {
      const state = states?.get(node.nodeName) ?? node.state;
      const past = states !== null && state !== node.state;
      const { errors, warnings } = past ? { errors: 0, warnings: 0 } : alarms(node.logCounts);
      const match = want !== '' && nodeMatches(node, want);
      return [
        node.nodeName,
        {
          name: node.nodeName,
          title: node.title ?? node.nodeName,
          type: node.nodeType,
          state,
          line: past ? t(stateKey(state)) : cardLine(node, state, t),
          errors,
          warnings,
          flagged: flagged.has(node.nodeName) && !past,
          optional: Boolean(node.optional),
          match,
          dim: want !== '' && !match,
        },
      ];
    }),
  );
}

export function nodeMatches(node: PanoramaNode, want: string): boolean {
  if (node.nodeName.toLowerCase().includes(want) || node.title?.toLowerCase().includes(want)) return true;
  return node.runs.some(
    (run) => run.service?.toLowerCase().includes(want) || run.instance?.toLowerCase().includes(want),
  );
}

/** Cards of a definition nobody ran. */
export function planCards(plan: DefinitionNode[], find: string): Map<string, Card> {
  const want = find.trim().toLowerCase();
  return new Map(
    flatten(plan).map((node): [string, Card] => {
      const match = want !== '' && `${node.nodeName}\n${node.title ?? ''}`.toLowerCase().includes(want);
      const line = [node.nodeType, node.service, node.subScene && `→ ${node.subScene}`].filter(Boolean).join(' · ');
      return [
        node.nodeName,
        {
          name: node.nodeName,
          title: node.title ?? node.nodeName,
          type: node.nodeType,
          state: null,
          line: visibleLine(line),
          errors: 0,
          warnings: 0,
          flagged: false,
          optional: Boolean(node.optional),
          match,
          dim: want !== '' && !match,
        },
      ];
    }),
  );
}

export function definitionNode(definition: Definition | undefined, name: string): DefinitionNode | null {
  if (!definition) return null;
  const plans = [definition.nodes, ...(definition.variants ?? []).map((variant) => variant.nodes)];
  for (const plan of plans) {
    const found = flatten(plan).find((node) => node.nodeName === name);
    if (found) return found;
  }
  return null;
}

const FAILURES: ReadonlySet<NodeState> = new Set(['failed', 'stalled', 'missing', 'unplanned']);

const BROKEN: ReadonlySet<NodeState> = new Set(['failed', 'stalled', 'missing']);

/** The first node that broke; findings about nodes that ran are no reason to look there first. */
export function firstBroken(execution: Execution): string {
  return execution.nodes.find((node) => BROKEN.has(node.state))?.nodeName ?? '';
}

/** The next node something is wrong with, behind `from` and round again. */
export function nextFailure(execution: Execution, from: string): string | null {
  const flagged = new Set(execution.findings.map((finding) => finding.nodeName));
  const at = execution.nodes.findIndex((node) => node.nodeName === from);
  const rotated = [...execution.nodes.slice(at + 1), ...execution.nodes.slice(0, at + 1)];
  const wrong = (node: PanoramaNode) =>
    FAILURES.has(node.state) || flagged.has(node.nodeName) || alarms(node.logCounts).errors > 0;
  return rotated.find(wrong)?.nodeName ?? null;
}
