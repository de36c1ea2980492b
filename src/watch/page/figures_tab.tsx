/** Pictures that runs draw of themselves, at any stage of the training. */
import { useState } from 'preact/hooks';
import type { FigureKind, RunSummary } from '../wire.ts';
import { figureUrl } from './api.ts';
import { colorVariable } from './colors.ts';
import { LargePicture } from './large_picture.tsx';
import type { TabProps } from './tab_props.ts';

type Stage = FigureKind['stages'][number];

/** A picture at a stage. */
interface Shown {
  readonly run: RunSummary;
  readonly kind: string;
  readonly stage: Stage;
}

/** The newest stage that is not behind `step`; the first where all are. */
const stageAt = (stages: readonly Stage[], step: number): Stage | undefined =>
  stages.findLast((stage) => stage.step <= step) ?? stages[0];

export function FiguresTab({ runs }: TabProps) {
  const steps = [
    ...new Set(runs.flatMap(({ figures }) => figures.flatMap(({ stages }) => stages.map(({ step }) => step)))),
  ];
  steps.sort((a, b) => a - b);
  // Undefined: the newest, whichever that is.
  const [chosen, choose] = useState<number>();
  const [large, enlarge] = useState<{ id: string; kind: string }>();
  const step = chosen ?? steps.at(-1) ?? 0;
  const at = Math.max(
    0,
    steps.findLastIndex((one) => one <= step),
  );
  const shown = runs.flatMap((run) =>
    run.figures.flatMap(({ name: kind, stages }): Shown[] => {
      const stage = stageAt(stages, step);
      return stage ? [{ run, kind, stage }] : [];
    }),
  );
  // The same kind of all runs side by side, the small pictures of similarities first.
  shown.sort(
    (a, b) => Number(b.kind === 'similarity') - Number(a.kind === 'similarity') || a.kind.localeCompare(b.kind),
  );
  if (steps.length === 0)
    return <p class="empty">These runs have drawn no pictures; --figure-every sets how often they do.</p>;
  const move = (to: number) => choose(to >= steps.length - 1 ? undefined : steps[Math.max(0, to)]);
  const opened = shown.find(({ run, kind }) => run.id === large?.id && kind === large.kind);
  return (
    <>
      <div class="toolbar" role="toolbar" aria-label="Stage of the training">
        <label class="slider wide">
          Stage
          <input
            type="range"
            min="0"
            max={steps.length - 1}
            step="1"
            value={at}
            aria-valuetext={`step ${steps[at]}`}
            onInput={({ currentTarget }) => move(Number(currentTarget.value))}
          />
          <output>step {steps[at].toLocaleString('en-US')}</output>
        </label>
        <button type="button" onClick={() => choose(undefined)} disabled={chosen === undefined}>
          Newest
        </button>
      </div>
      <h2 class="hidden">Pictures</h2>
      <div class="grid figures">
        {shown.map((one) => (
          <Figure
            key={`${one.run.id} ${one.kind}`}
            {...one}
            onOpen={() => enlarge({ id: one.run.id, kind: one.kind })}
          />
        ))}
      </div>
      {opened && <Large {...opened} onMove={(by) => move(at + by)} onClose={() => enlarge(undefined)} />}
    </>
  );
}

const captionOf = ({ run, kind, stage }: Shown): string => `${kind} of ${run.name} at step ${stage.step}`;

function Figure({ onOpen, ...shown }: Shown & { onOpen: () => void }) {
  const { run, kind, stage } = shown;
  return (
    <figure class="card" style={{ '--own': colorVariable(run.id) }}>
      <figcaption>
        <h3>{kind}</h3>
        <p class="note">
          <i class="swatch" style={{ background: 'var(--own)' }} />
          {run.name}, step {stage.step.toLocaleString('en-US')}
        </p>
      </figcaption>
      <button type="button" class="picture" onClick={onOpen} aria-label={`Enlarge ${captionOf(shown)}`}>
        <img src={figureUrl(run.id, stage.file, stage.version)} alt={captionOf(shown)} loading="lazy" />
      </button>
    </figure>
  );
}

/** The arrow keys go through its stages. */
function Large({ onMove, onClose, ...shown }: Shown & { onMove: (by: number) => void; onClose: () => void }) {
  const { run, stage } = shown;
  return (
    <LargePicture
      caption={captionOf(shown)}
      src={figureUrl(run.id, stage.file, stage.version)}
      onClose={onClose}
      onKey={(key) => {
        if (key === 'ArrowLeft') onMove(-1);
        if (key === 'ArrowRight') onMove(1);
      }}
    >
      <button type="button" onClick={() => onMove(-1)} aria-label="Earlier stage">
        ←
      </button>
      <button type="button" onClick={() => onMove(1)} aria-label="Later stage">
        →
      </button>
    </LargePicture>
  );
}
