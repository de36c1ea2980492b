/** A training as it goes: its numbers, the loss, the similarity matrix, the pairs. */
import type { Ready, Step, TrainingFacts } from '../protocol.ts';
import { el } from './dom.ts';
import { counted, decimal, duration, formatBytes, metric, rate, short, whole } from './format.ts';
import { HeatMap } from './heat_map.ts';
import { History } from './history.ts';
import { LossChart } from './loss_chart.ts';
import { PairsPanel } from './pairs_panel.ts';
import type { TrainingState } from './state.ts';

type Fact = readonly [label: string, value: string, note?: string];

const tiles = (facts: readonly Fact[]): HTMLElement[] =>
  facts.map(([label, value, note]) =>
    el('div', { class: 'fact' }, el('dt', {}, label), el('dd', {}, value, note !== undefined && el('small', {}, note))),
  );

/** Names of metrics in words, with what is to be known of them; others have the label that the method gives them. */
const words: Readonly<Record<string, readonly [label: string, note: string]>> = {
  accuracy: ['Pairs found', 'accuracy among all views'],
  embeddingStd: ['Spread', 'at 0 all look the same'],
};

/** What is known before the first step. */
const planFacts = ({ parameters, peakBytes, steps, stepsPerEpoch, batchSize }: TrainingFacts): Fact[] => [
  ['Parameters', short(parameters)],
  ['GPU memory', formatBytes(peakBytes)],
  ['Steps', whole(steps), `${whole(stepsPerEpoch)} an epoch`],
  ['Photos a step', whole(batchSize), 'each seen twice'],
];

function stepFacts(step: Step, { chance, metrics, epochs }: Ready, { phase, finished }: TrainingState): Fact[] {
  const guessing = chance === undefined ? undefined : `guessing: ${decimal(chance, 2)}`;
  const shown = Object.entries(metrics).flatMap(([name, { label, format }]): Fact[] =>
    name in step.metrics ? [[words[name]?.[0] ?? label, metric(step.metrics[name], format), words[name]?.[1]]] : [],
  );
  const time: Fact =
    phase === 'ended' && finished ? ['Took', duration(finished.seconds)] : ['Time left', duration(step.secondsLeft)];
  return [
    ['Loss', decimal(step.loss, 3), guessing],
    ...shown,
    ['Epoch', `${whole(step.epoch)} / ${whole(epochs)}`, `step ${whole(step.step)} of ${whole(step.steps)}`],
    time,
    ['Photos a second', rate(step.imagesPerSecond)],
    ['GPU memory', formatBytes(step.memory)],
  ];
}

export class LivePanel {
  readonly chart: LossChart;
  readonly heat = new HeatMap();
  readonly pairs = new PairsPanel();
  private readonly history = new History();
  private readonly facts = el('dl', { class: 'facts' });
  private readonly message = el('p', { class: 'message' });
  private readonly next = el(
    'p',
    { class: 'buttons', hidden: true },
    el('a', { class: 'button', href: '#search' }, 'Search the photos'),
    el('a', { class: 'button', href: '#map' }, 'See the map'),
    el('a', { class: 'button', href: '#weights' }, 'Save the weights'),
  );
  private readonly figures: HTMLElement;

  constructor(root: HTMLElement) {
    this.chart = new LossChart(this.history);
    const two = el('div', { class: 'two' }, this.heat.root, this.pairs.root);
    this.figures = el('div', { class: 'figures', hidden: true }, this.chart.root, two);
    root.append(this.message, this.next, this.facts, this.figures);
  }

  /** A line on how it stands, above everything; empty: none. */
  say(text: string, { isFault = false, hasLearnt = false } = {}): void {
    this.message.textContent = text;
    this.next.hidden = !hasLearnt;
    this.message.classList.toggle('bad', isFault);
  }

  /** What a training would need. */
  plan(facts: TrainingFacts): void {
    this.facts.replaceChildren(...tiles(planFacts(facts)));
  }

  /** From the first step, or from where it was stopped. */
  begin(ready: Ready): void {
    if (ready.startsAt === 0) {
      this.history.clear();
      this.heat.clear();
      this.pairs.clear();
    }
    this.plan(ready);
    this.figures.hidden = false;
    this.chart.begin(ready.steps, ready.chance);
  }

  step(step: Step): void {
    this.history.add(step.step, step.loss);
    this.chart.update();
  }

  show(training: TrainingState): void {
    const { step, ready } = training;
    if (step && ready) this.facts.replaceChildren(...tiles(stepFacts(step, ready, training)));
  }
}

/** `12 of 60 steps in 40 s`. */
export const summary = ({
  step,
  steps,
  seconds,
}: {
  readonly step: number;
  readonly steps: number;
  readonly seconds: number;
}): string => `${whole(step)} of ${counted(steps, 'step')} in ${duration(seconds)}`;
