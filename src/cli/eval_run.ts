/** How an evaluation is run: its encoder is opened, whatever that takes, its table printed, its files written. */
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { checkResultsPlace } from '../data/results_folder.ts';
import type { DataKind } from '../data/samples.ts';
import {
  Evaluation,
  type EvaluationEvents,
  type EvaluationOptions,
  type Measured,
  type Outcome,
} from '../eval/evaluation.ts';
import { SequenceEvaluation } from '../eval/sequence_evaluation.ts';
import { TextEvaluation } from '../eval/text_evaluation.ts';
import type { Gpu } from '../gpu/device.ts';
import { checkWritableDir } from '../io/files.ts';
import { describeWindows, readSequenceEncoder } from '../train/sequence_encoder_file.ts';
import { readEncoderOfTexts, readTextEncoder } from '../train/text_encoder_file.ts';
import {
  checkpointFile,
  commandWords,
  printEncoder,
  printLeftOut,
  printSkipped,
  setsOf,
  stopOnSignals,
} from './common.ts';
import { chooseKernels, openAdapter } from './device.ts';
import { type EvalOptions, featureBatch, refuseIdle, refuseOfImages, type Tools } from './eval_options.ts';
import { writeOutcome } from './eval_results.ts';
import { adapterOf, introduceDevices, leads, pathOfFirst, type Team, terminalOf, withRanks } from './ranks.ts';
import { reopening, repeatable } from './reopen.ts';
import type { Terminal } from './terminal.ts';
import { throughput } from './train_output.ts';

type Flags<T> = EvalOptions & T;
type Evaluate<T, E = Evaluation> = (evaluation: E, flags: Flags<T>, tools: Tools) => Promise<Outcome>;

/** What an evaluation does with encoders, by what these take. Others are refused. */
interface ByKind<T> {
  readonly images?: Evaluate<T>;
  readonly sequences?: Evaluate<T, SequenceEvaluation>;
  readonly texts?: Evaluate<T, TextEvaluation>;
}

/** Has a command open the encoder, evaluate, print the table and write the files. A function is for encoders of images. */
export function runs<T>(called: Command, evaluate: Evaluate<T> | ByKind<T>): Command {
  const byKind: ByKind<T> = typeof evaluate === 'function' ? { images: evaluate } : evaluate;
  return called.action((flags: Flags<T>) => withRanks((team) => evaluateAll(called, byKind, flags, team)));
}

/** Evaluates in this process; of several, all compute features, and the first does the rest. */
async function evaluateAll<T>(
  called: Command,
  byKind: ByKind<T>,
  flags: Flags<T>,
  team: Team | undefined,
): Promise<void> {
  refuseIdle(called);
  const what = called.name();
  const terminal = terminalOf(team);
  const checkpoint = await pathOfFirst(team, () => checkpointFile(flags.checkpoint, terminal));
  const out = flags.out ?? join(homeOf(checkpoint), 'eval', what);
  const cache = flags.cache ?? join(dirname(out), 'features');
  const subject = subjectOf(checkpoint, { cache, ranks: team?.ranks }, byKind, flags, called);
  if (leads(team)) checkPlace(out);
  let stops: ReturnType<typeof stopOnSignals> | undefined;
  const begin = () => {
    stops ??= stopOnSignals(terminal);
    return stops.signal;
  };
  const events = eventsOf(terminal, cache, () => stops?.signal, subject.kind);
  const run = async (gpu: Gpu): Promise<Outcome | undefined> => {
    chooseKernels(gpu, flags, terminal);
    const { evaluation, outcome } = subject.open(gpu, events, terminal);
    if (leads(team)) return closing(evaluation, () => outcome({ out, terminal, stopOnSignals: begin }));
    await closing(evaluation, () => evaluation.labelled(flags.data));
    return undefined;
  };
  const gpu = await openAdapter(await adapterOf(flags.adapter, team));
  if (team) await introduceDevices(team, gpu.traits.adapter, terminal);
  try {
    const work = repeatable(run, () => team !== undefined || (stops?.signal.aborted ?? false));
    const outcome = await reopening(gpu, work, flags, terminal);
    if (outcome) writeOutcome(terminal, what, out, outcome);
  } catch (error) {
    if (!stops?.signal.aborted || error !== stops.signal.reason) throw error;
    terminal.clear();
    terminal.line('stopped; to continue:');
    terminal.command('  ', commandWords(...process.argv.slice(2)));
    process.exitCode = stops.exitCode();
  }
}

/** UserError: results cannot be written there. */
function checkPlace(out: string): void {
  checkResultsPlace(out);
  checkWritableDir(out);
}

/** The same command for encoders of anything: it needs nothing but features. */
export const runsOnFeatures = <T>(called: Command, evaluate: Evaluate<T, Measured>): Command =>
  runs<T>(called, { images: evaluate, sequences: evaluate, texts: evaluate });

/** An encoder that is evaluated. */
interface Subject {
  readonly kind: DataKind;
  /** Brings it to a device, and says what it takes. */
  open(
    gpu: Gpu,
    events: EvaluationEvents,
    terminal: Terminal,
  ): { readonly evaluation: Measured & { destroy(): void }; outcome(tools: Tools): Promise<Outcome> };
}

/** UserError: the file has no encoder that the evaluation takes, or options say what it has no use for. */
function subjectOf<T>(
  checkpoint: string,
  { cache, ranks }: Pick<EvaluationOptions, 'cache' | 'ranks'>,
  byKind: ByKind<T>,
  flags: Flags<T>,
  called: Command,
): Subject {
  const { images, sequences: ofSequences, texts: ofTexts } = byKind;
  const { fromHeadLayer, imageSize, normalize, batchSize = featureBatch, exclude } = flags;
  const sequences = ofSequences && readSequenceEncoder(checkpoint);
  if (sequences) {
    refuseOfImages('sequences', called);
    return {
      kind: 'sequences',
      open(gpu, events, terminal) {
        const evaluation = SequenceEvaluation.open(gpu, sequences, { batchSize, exclude, events, ranks });
        terminal.line(`encoder    ${describeWindows(sequences)}`);
        return { evaluation, outcome: (tools) => ofSequences(evaluation, flags, tools) };
      },
    };
  }
  const texts = ofTexts && (images ? readTextEncoder(checkpoint) : readEncoderOfTexts(checkpoint));
  if (texts) {
    refuseOfImages('texts', called);
    return {
      kind: 'texts',
      open(gpu, events, terminal) {
        const evaluation = TextEvaluation.open(gpu, texts, { batchSize, exclude, events, ranks });
        terminal.line(`encoder    ${texts.description}`);
        return { evaluation, outcome: (tools) => ofTexts(evaluation, flags, tools) };
      },
    };
  }
  return {
    kind: 'images',
    open(gpu, events, terminal) {
      const options = { checkpoint, fromHeadLayer, imageSize, normalize, batchSize, cache, exclude, events, ranks };
      const evaluation = Evaluation.open(gpu, options);
      printEncoder(evaluation.file, terminal);
      return { evaluation, outcome: (tools) => images!(evaluation, flags, tools) };
    },
  };
}

async function closing<R>(evaluation: { destroy(): void }, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } finally {
    evaluation.destroy();
  }
}

/** Prints what an evaluation tells. */
export const eventsOf = (
  terminal: Terminal,
  cache: string,
  signal: () => AbortSignal | undefined,
  kind: DataKind,
): EvaluationEvents => ({
  onData: (dataset) => {
    terminal.line(`data       ${dataset.measured}`);
    printLeftOut(dataset, terminal);
    printSkipped(setsOf(dataset), terminal);
  },
  onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  onFeatures: (set, done, total) => {
    terminal.progress(`features (${set})`, done, total, { rate: (perSecond) => throughput(perSecond, kind) });
    signal()?.throwIfAborted();
  },
  onCached: (set) => terminal.line(`features   ${set}: from ${cache}`),
});

/** The folder of the run that a checkpoint belongs to, or the one that the file is in. */
export function homeOf(checkpoint: string): string {
  const folder = dirname(checkpoint);
  return basename(folder) === 'checkpoints' ? dirname(folder) : folder;
}
