/**
 * What pre-training is worth: the same linear probe on the pre-trained encoder and on one that was never trained. Features of a
 * random encoder are small and unscaled, so that a head trained by Adam for a fixed number of epochs has not converged on them;
 * standardised features and L-BFGS treat both encoders alike.
 */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Embedder } from '../analysis/embed.ts';
import { type LabelledFeatures, pickLabelled, probeDefaults, probeScore, trainProbe } from '../analysis/probe.ts';
import type { ImageSet } from '../data/images.ts';
import { preparation } from '../data/preparation.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { checked } from '../io/checked.ts';
import { ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { readChecked } from '../io/json_files.ts';
import { Classifier } from '../nn/classifier.ts';
import { shapeOf } from '../nn/encoder_shape.ts';
import { classCount, digestOf, type SupervisedData } from '../train/supervised_data.ts';
import { digestOfGiven, loadEncoder, originOf, type PretrainedEncoder } from '../train/supervised_encoder.ts';
import type { SupervisedSettings } from '../train/supervised_settings.ts';
import { type LinearProbe, type Probes, probedEncoders, probesSchema } from './experiment_results.ts';

/** Images whose features are computed at a time. */
const featureBatch = 256;

export type Encoders = Readonly<Record<keyof Probes, PretrainedEncoder>>;

interface Features {
  readonly train: LabelledFeatures;
  readonly test: LabelledFeatures;
}

/** What the probes of a file were trained on. */
interface Origin {
  readonly encoders: Readonly<Record<keyof Probes, string>>;
  readonly train: string;
  readonly test: string;
  readonly imageSize: number;
  readonly normalize: string;
  readonly seed: number;
  /** The λ that were tried. */
  readonly l2: readonly number[];
}

interface ProbeFile {
  readonly version: 1;
  readonly origin: Origin;
  readonly probes: Probes;
}

/** Of any version and origin: only the probes of this one are looked at. */
const fileSchema = z.object({
  version: z.number(),
  origin: z.record(z.string(), z.unknown()),
  probes: z.record(z.string(), z.unknown()),
});

export interface ProbeRun {
  /** `probe.json` of this seed and fold. */
  readonly file: string;
  /** Rows of the training split; null: all. */
  readonly fold: Uint32Array | null;
  /** The images of `fold`. */
  readonly train: ImageSet;
}

/** Probes of one seed. The features of each encoder are computed once, when the first fold without a file needs them. */
export class Prober {
  private readonly features = new Map<keyof Probes, Features>();

  constructor(
    private readonly gpu: Gpu,
    private readonly data: SupervisedData,
    private readonly encoders: Encoders,
    private readonly settings: SupervisedSettings,
    private readonly onFeatures?: (done: number, total: number) => void,
    private readonly signal?: AbortSignal,
  ) {}

  /** The probes of a file that was made of the same encoders and images, with the same λ to choose from. UserError: damaged. */
  known(run: ProbeRun): Probes | undefined {
    const { file } = run;
    if (!existsSync(file)) return undefined;
    const remedy = 'delete it to have the probes computed again';
    const { version, origin, probes } = readChecked(fileSchema, file, remedy);
    if (version !== 1 || JSON.stringify(origin) !== JSON.stringify(this.origin(run))) return undefined;
    return checked(probesSchema, probes, { source: file, remedy, name: (key) => `probes.${key}` });
  }

  /** Trains and tests both probes, unless the file has them. When the signal is aborted, its reason is thrown. */
  async probe(run: ProbeRun): Promise<Probes> {
    const known = this.known(run);
    if (known) return known;
    const found: Partial<Record<keyof Probes, LinearProbe>> = {};
    for (const name of probedEncoders) {
      const features = await this.featuresOf(name);
      found[name] = await this.fit(features, run.fold);
    }
    const probes = found as Probes;
    const content: ProbeFile = { version: 1, origin: this.origin(run), probes };
    ensureWritableDir(dirname(run.file));
    writeFileAtomic(run.file, `${JSON.stringify(content, null, 2)}\n`);
    return probes;
  }

  private origin({ train }: ProbeRun): Origin {
    const { imageSize, normalize, seed } = this.settings;
    const { pretrained, random } = this.encoders;
    return {
      encoders: { pretrained: digestOfGiven(pretrained), random: digestOfGiven(random) },
      ...{ train: digestOf(train), test: digestOf(this.data.test), imageSize, normalize, seed },
      l2: probeDefaults.l2,
    };
  }

  private async fit({ train, test }: Features, fold: Uint32Array | null): Promise<LinearProbe> {
    const dimensions = train.features.length / train.labels.length;
    const rows = fold === null ? train : pickLabelled(train, fold, dimensions);
    const { seed } = this.settings;
    const options = { solver: 'lbfgs', l2: probeDefaults.l2, seed } as const;
    const probe = await trainProbe(rows, dimensions, classCount(this.data), options, this.signal);
    const { iterations, converged } = probe.model;
    return {
      ...{ lambda: probe.chosen, tried: probe.tried, iterations, converged },
      train: probeScore(probe, rows),
      test: probeScore(probe, test),
    };
  }

  /** Features of all images of both sets, the encoder in inference mode. */
  private async featuresOf(name: keyof Probes): Promise<Features> {
    const known = this.features.get(name);
    if (known) return known;
    const { gpu, data, settings, onFeatures, signal } = this;
    const state = new State(gpu);
    try {
      const classifier = new Classifier({ ...shapeOf(settings), seed: settings.seed, classes: classCount(data) });
      loadEncoder(state, classifier.encoder, originOf(this.encoders[name]));
      const total = data.train.count + data.test.count;
      const embed = async (set: ImageSet, before: number): Promise<LabelledFeatures> => {
        const options = { ...preparation(settings), batchSize: Math.min(featureBatch, set.count) };
        const embedder = await Embedder.create(state, classifier.encoder, set, options);
        try {
          const features = await embedder.embed(set, undefined, (done) => {
            onFeatures?.(before + done, total);
            signal?.throwIfAborted();
          });
          return { features, labels: set.labels! };
        } finally {
          embedder.destroy();
        }
      };
      const features = { train: await embed(data.train, 0), test: await embed(data.test, data.train.count) };
      this.features.set(name, features);
      return features;
    } finally {
      state.destroy();
      gpu.trim();
    }
  }
}
