/** The few numbers that tell how a run goes, large. */
import type { RunSummary } from '../wire.ts';
import { colorVariable } from './colors.ts';
import { duration, written } from './format.ts';
import { ProgressBar, StatusBadge } from './status.tsx';

/** Of one run; of several, the list beside the charts says enough, and the table of the next view the rest. */
export function Tiles({ runs, now }: { runs: readonly RunSummary[]; now: number }) {
  return (
    <>
      {runs.length === 1 && <RunTiles run={runs[0]} now={now} />}
      <Warnings runs={runs} />
    </>
  );
}

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string | undefined;
}

function RunTiles({ run, now }: { run: RunSummary; now: number }) {
  return (
    <section class="card tiles" aria-label={run.name} style={{ '--own': colorVariable(run.id) }}>
      <div class="head">
        <h2>{run.name}</h2>
        <StatusBadge run={run} now={now} />
        <span class="note">{[run.method, run.adapter].filter(Boolean).join(' · ')}</span>
      </div>
      <ProgressBar run={run} />
      <dl>
        {tilesOf(run).map(({ label, value, note }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <b>{value}</b>
              {note !== undefined && <small>{note}</small>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function tilesOf(run: RunSummary): Tile[] {
  const { latest, legend, step, steps, epoch, epochs, bestKnn, status } = run;
  const referenceOf = (name: string, format: 'number' | 'percent') => {
    const reference = legend[name]?.reference;
    return reference && `${reference.text}: ${written(reference.value, format)}`;
  };
  const tiles: (Tile | undefined)[] = [
    {
      label: 'Epoch',
      value: epoch === null ? '–' : `${epoch}${epochs === null ? '' : ` / ${epochs}`}`,
      note: `step ${step.toLocaleString('en-US')}${steps === null ? '' : ` of ${steps.toLocaleString('en-US')}`}`,
    },
    tile('Loss', latest['loss'] ?? latest['testLoss'], 'number', referenceOf('loss', 'number')),
    tile('kNN', latest['knn'], 'percent', bestKnn === null ? undefined : `best ${written(bestKnn, 'percent')}`),
    tile('Test accuracy', latest['testAccuracy'], 'percent'),
    tile('Spread', latest['embeddingStd'], 'number', referenceOf('embeddingStd', 'number')),
    tile('Images/s', latest['imagesPerSecond'], 'rate', status === 'running' ? timeLeft(run) : undefined),
    tile('GPU memory', latest['memory'], 'bytes'),
  ];
  return tiles.filter((one) => one !== undefined);
}

const tile = (
  label: string,
  value: number | undefined,
  format: Parameters<typeof written>[1],
  note?: string,
): Tile | undefined => (value === undefined ? undefined : { label, value: written(value, format), note });

/** From the pace of the last epoch, without what comes between two epochs. */
function timeLeft({ latest, settings, step, steps }: RunSummary): string | undefined {
  const batch = settings['batchSize'];
  const rate = latest['imagesPerSecond'];
  if (typeof batch !== 'number' || !rate || steps === null) return undefined;
  return `about ${duration(((steps - step) * batch) / rate)} left`;
}

/** What trainings warn of, and what could not be read. */
function Warnings({ runs }: { runs: readonly RunSummary[] }) {
  const told = runs.flatMap(({ id, name, warnings, problem }) => [
    ...(problem === null ? [] : [{ id, name, step: 0, message: problem, remedy: '' }]),
    ...warnings.slice(-3).map((warning) => ({ id, name, ...warning })),
  ]);
  if (told.length === 0) return null;
  return (
    <ul class="warnings">
      {told.map(({ id, name, step, message, remedy }) => (
        <li key={`${id} ${step} ${message}`}>
          <b>{name}</b>
          {step > 0 && ` at step ${step}`}: {message}
          {remedy !== '' && <small>{remedy}</small>}
        </li>
      ))}
    </ul>
  );
}
