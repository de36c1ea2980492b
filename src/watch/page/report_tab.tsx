/** The report of a comparison or an experiment: read again whenever it is written again. */
import { useEffect, useState } from 'preact/hooks';
import type { ReportKind, ReportSummary } from '../wire.ts';
import { fetchReport } from './api.ts';
import { LargePicture } from './large_picture.tsx';
import { type Part, reportParts } from './report_parts.ts';

/** When there is one. */
const awaited: Readonly<Record<ReportKind, string>> = {
  comparison: 'The report is written when the first training has been measured, and again behind each of them.',
  experiment: 'The report is written when all stages are done.',
};

export function ReportTab({ reports }: { readonly reports: readonly ReportSummary[] }) {
  const [chosen, choose] = useState<string>();
  const report = reports.find(({ id }) => id === chosen) ?? reports.find(({ version }) => version !== '') ?? reports[0];
  const parts = useReport(report);
  return (
    <>
      {reports.length > 1 && (
        <div class="toolbar">
          <label class="choice">
            Report of
            <select value={report.id} onChange={({ currentTarget }) => choose(currentTarget.value)}>
              {reports.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {report.version === '' ? (
        <p class="empty">{awaited[report.kind]}</p>
      ) : parts ? (
        <Report key={report.id} parts={parts} />
      ) : (
        <p class="boot">Reading …</p>
      )}
    </>
  );
}

/** The parts of the newest version that has come; undefined: none has. */
function useReport({ id, version }: ReportSummary): readonly Part[] | undefined {
  const [told, tell] = useState<{ id: string; parts: readonly Part[] }>();
  const [failures, fail] = useState(0);
  useEffect(() => {
    if (version === '') return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    fetchReport(id, stop.signal).then(
      (html) => tell({ id, parts: reportParts(html) }),
      () => {
        if (!stop.signal.aborted) timer = setTimeout(() => fail(failures + 1), 2000);
      },
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, version, failures]);
  return told?.id === id ? told.parts : undefined;
}

type Picture = Extract<Part, { kind: 'figure' }>;

function Report({ parts }: { readonly parts: readonly Part[] }) {
  const [large, enlarge] = useState<Picture>();
  return (
    <article class="card report">
      {parts.map((part, i) => (
        <ReportPart key={i} part={part} onOpen={enlarge} />
      ))}
      {large && <LargePicture caption={large.caption} src={large.src} onClose={() => enlarge(undefined)} />}
    </article>
  );
}

function ReportPart({ part, onOpen }: { readonly part: Part; readonly onOpen: (picture: Picture) => void }) {
  switch (part.kind) {
    case 'title':
      return <h2>{part.text}</h2>;
    case 'heading':
      return <h3>{part.text}</h3>;
    case 'text':
      return <p>{part.text}</p>;
    case 'note':
      return <p class="note">{part.text}</p>;
    case 'table':
      return <ReportTable {...part} />;
    case 'figure':
      return (
        <figure>
          <button
            type="button"
            class="picture"
            onClick={() => onOpen(part)}
            aria-label={`Enlarge ${part.caption || 'the picture'}`}
          >
            <img src={part.src} alt={part.caption} />
          </button>
          <figcaption class="note">{part.caption}</figcaption>
        </figure>
      );
    default:
      return part satisfies never;
  }
}

const ReportTable = ({ head, rows }: Extract<Part, { kind: 'table' }>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than the window is scrolled by keys too
  <section class="table" tabIndex={0} aria-label={head.join(', ')}>
    <table>
      <thead>
        <tr>
          {head.map((cell, i) => (
            <th key={i} scope="col">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...cells], row) => (
          <tr key={row}>
            <th scope="row">{name}</th>
            {cells.map((cell, i) => (
              <td key={i}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
