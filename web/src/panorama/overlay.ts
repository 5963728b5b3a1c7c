/** Figures of a scene laid over its plan: how dark a card is and what it says, how thick an arrow is. */
import type { RunFigures, StatisticsAnswer } from '../api/queries';
import type { NodeState } from '../api/types';
import type { Translate } from '../i18n';
import { duration } from '../lib/time';
import type { Overlay } from '../url/route';
import type { Card } from './graph';

type NodeFigures = StatisticsAnswer['nodes'][number];
export type EdgeFigures = StatisticsAnswer['edges'][number];

/** `3.1 %`, `12 %`; `–` where nothing has ended, so that there is no rate. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  const value = share * 100;
  return `${value > 0 && value < 10 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

export function micros(us: number | null): string {
  return us === null ? '–' : duration(us);
}

/** The figure an overlay is about; null: there is none. */
export function figureOf(runs: RunFigures, overlay: Overlay): number | null {
  if (overlay === 'runs') return runs.total;
  return overlay === 'errors' ? runs.errorRate : runs.p95Micros;
}

export function figureText(value: number, overlay: Overlay): string {
  if (overlay === 'runs') return value.toLocaleString('en-US');
  return overlay === 'errors' ? percent(value) : duration(value);
}

/** The greatest figure of all nodes: what the darkest card stands for. */
export function greatest(figures: StatisticsAnswer, overlay: Overlay): number {
  return Math.max(0, ...figures.nodes.map((node) => figureOf(node.runs, overlay) ?? 0));
}

const WRONG: readonly NodeState[] = ['missing', 'stalled', 'unplanned'];

function line({ runs, states }: NodeFigures, overlay: Overlay, t: Translate): string {
  if (runs.total === 0) {
    const passed = states.completed ?? 0;
    return passed ? t('overlay.passed', { n: passed }) : t('overlay.none');
  }
  if (overlay === 'runs') return t('overlay.runs', { n: runs.total });
  if (overlay === 'p95') return `p95 ${micros(runs.p95Micros)}`;
  const rate = percent(runs.errorRate);
  return runs.failed ? t('overlay.errors', { rate, n: runs.failed }) : rate;
}

/** Cards with a figure each. A share of the greatest makes them dark; failed runs and missing nodes are marked on all. */
export function overlayCards(
  cards: ReadonlyMap<string, Card>,
  figures: StatisticsAnswer,
  overlay: Overlay,
  t: Translate,
): Map<string, Card> {
  const known = new Map(figures.nodes.map((node) => [node.nodeName, node]));
  const max = greatest(figures, overlay);
  return new Map(
    [...cards].map(([name, card]) => {
      const node = known.get(name);
      if (!node) return [name, { ...card, line: t('overlay.none') }];
      const value = node.runs.total ? figureOf(node.runs, overlay) : null;
      return [
        name,
        {
          ...card,
          line: line(node, overlay, t),
          errors: node.runs.failed,
          flagged: WRONG.some((state) => node.states[state]),
          ...(value === null || max === 0 ? {} : { heat: value / max }),
        },
      ];
    }),
  );
}

/** The figures of an edge, by both ends and its label. */
export function edgeFigures(
  figures: StatisticsAnswer,
  from: string,
  to: string,
  label: string | null,
): EdgeFigures | undefined {
  return figures.edges.find((edge) => edge.from === from && edge.to === to && edge.label === label);
}
