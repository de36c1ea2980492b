/// <reference types="@webgpu/types" preserve="true" />
/**
 * The library: everything that the command line is made of. `z` is zod, for the settings of methods.
 *
 * @module simclr-webgpu
 */

export { z } from 'zod';

export { evaluateClassifier, Predictor, predict } from './analysis/classifier.ts';
export { Embedder, type EmbedOptions } from './analysis/embed.ts';
export { SequenceEmbedder, type SequenceEmbedOptions } from './analysis/embed_sequences.ts';
export { TextEmbedder } from './analysis/embed_texts.ts';
export { type Clusters, type KMeansOptions, kMeans } from './analysis/kmeans.ts';
export {
  type KnnOptions,
  knnAccuracy,
  type Labelled,
  type Neighbours,
  nearestRows,
  voteOfNearest,
} from './analysis/knn.ts';
export {
  adjustedRandIndex,
  contingency,
  matchClusters,
  matchedAccuracy,
  normalizedMutualInformation,
} from './analysis/partition.ts';
export {
  type LabelledFeatures,
  type Probe,
  type ProbeOptions,
  probePredict,
  probeScore,
  trainProbe,
} from './analysis/probe.ts';
export { type Embedding, type TsneOptions, tsne } from './analysis/tsne.ts';
export { readCaptions } from './data/captions.ts';
export { type Clip, clipsOf, referenceFrames } from './data/clips.ts';
export { type Dataset, openDataset } from './data/dataset.ts';
export { downloadStl10 } from './data/download.ts';
export { type Duplicates, findDuplicates } from './data/duplicates.ts';
export { loadPhotos } from './data/folder.ts';
export type { Captions, ImageSet } from './data/images.ts';
export { openSequences, type SequenceOptions } from './data/open_sequences.ts';
export { openTexts, type TextsOptions } from './data/open_texts.ts';
export { batchOf, epochOrder, stepsPerEpoch } from './data/order.ts';
export { type Preparation, preparation } from './data/preparation.ts';
export { ensureSampleSet } from './data/sample/sample.ts';
export type { DataKind, SampleSet } from './data/samples.ts';
export { type NamedSeries, type SequenceSet, stretchesOf, wholeSequences } from './data/sequences.ts';
export { npySeries, type Series, seriesOf } from './data/series.ts';
export { fedSamples, hostImages, type ImageSource, residentImages, type SampleSource } from './data/source.ts';
export { loadStl10 } from './data/stl10.ts';
export { type TextColumns, type TextSet, textSet } from './data/texts.ts';
export { Tokenizer, type TokenRow, tokenizerOf } from './data/tokenizer.ts';
export { unite } from './data/united.ts';
export { wavSeries } from './data/wav.ts';
export { UserError } from './errors.ts';
export { listAdapters } from './gpu/adapters.ts';
export { Gpu } from './gpu/device.ts';
export { Program, type Run } from './graph/program.ts';
export { State } from './graph/state.ts';
export type { Data, Op, Tensor } from './graph/tensor.ts';
export { apply, constant, flatVariable, input, scope, trace, variable } from './graph/trace.ts';
export { readSafetensors, writeSafetensors } from './io/safetensors.ts';
export { type DiscriminatorLoss, discriminatorLoss, generatorLoss, takenForReal } from './losses/adversarial.ts';
export { alignment, uniformity } from './losses/alignment.ts';
export { type BarlowTwins, type BarlowTwinsOptions, barlowTwins } from './losses/barlow_twins.ts';
export { bceWithLogits } from './losses/bce_with_logits.ts';
export {
  annealedMean,
  type BinTargets,
  binnedEntropy,
  binTargets,
  entropyOfGuess,
  rarityWeights,
} from './losses/binned.ts';
export { blockTargets } from './losses/block_targets.ts';
export { type ClipLoss, clipLoss } from './losses/clip.ts';
export { type Agreement, agreement, components, countComponents, nearestOther } from './losses/components.ts';
export { type Cpc, type CpcOptions, cpc, cpcCandidates } from './losses/cpc.ts';
export { crossViewEntropy } from './losses/cross_view.ts';
export { type Center, type DinoLoss, type DinoOptions, dinoLoss, teacherTargets, updateCenter } from './losses/dino.ts';
export { euclideanDistance, squaredDistance } from './losses/distance.ts';
export { decoupledNtXent, type HardNegativeOptions, hardNegativeNtXent } from './losses/hard_negative.ts';
export { ibotLoss } from './losses/ibot.ts';
export { type InfoNce, type InfoNceOptions, infoNce, symmetricInfoNce } from './losses/info_nce.ts';
export { koleo } from './losses/koleo.ts';
export { l1 } from './losses/l1.ts';
export { marginContrastive, marginOfPairs } from './losses/margin_contrastive.ts';
export { type MaskedTokenLoss, maskedTokenLoss } from './losses/masked_tokens.ts';
export { mse } from './losses/mse.ts';
export { nPair } from './losses/n_pair.ts';
export { type NceDensities, nce, nceOfPairs } from './losses/nce.ts';
export { negativeCosine } from './losses/negative_cosine.ts';
export { type NtXentOptions, ntXent } from './losses/nt_xent.ts';
export type { PairLoss } from './losses/pairs.ts';
export { explained, meanColour, pictureError, psnr } from './losses/picture_error.ts';
export { carriedClasses, carry, pointer } from './losses/pointer.ts';
export {
  type CancellationOptions,
  contrastSets,
  falseNegativeCancellation,
  type NearestPositivesOptions,
  nearestPositives,
  type PositiveSets,
} from './losses/positive_sets.ts';
export { type SimCse, supervisedSimCse } from './losses/sim_cse.ts';
export { logSinkhorn, type SinkhornOptions, sinkhorn } from './losses/sinkhorn.ts';
export { smoothL1 } from './losses/smooth_l1.ts';
export { type SupConOptions, supCon } from './losses/sup_con.ts';
export { infoNceOfCrops, type Swap, swap, swapOfCrops } from './losses/swap.ts';
export { type TripletOptions, triplet } from './losses/triplet.ts';
export { type AnchoredPairs, hardTriplets, type MinedTriplets, semiHardTriplets } from './losses/triplet_mining.ts';
export { type Vicreg, type VicregOptions, vicreg } from './losses/vicreg.ts';
export { allMethods, methodNamed, registerMethod } from './methods/index.ts';
export { type Communicator, shareText } from './mpi/communicator.ts';
export { type Launch, launchOf } from './mpi/launch.ts';
export { MpiWorld } from './mpi/world.ts';
export { Classifier, type ClassifierOptions } from './nn/classifier.ts';
export { Conv1d, type Conv1dOptions } from './nn/conv1d.ts';
export { Conv1dEncoder, type Conv1dEncoderOptions } from './nn/conv1d_encoder.ts';
export { CpcHead, type CpcHeadOptions } from './nn/cpc_head.ts';
export { Dcgan, DcganDiscriminator, DcganGenerator, type DcganOptions, type GeneratorOptions } from './nn/dcgan.ts';
export { Decoder, type DecoderOptions } from './nn/decoder.ts';
export { ConvTranspose2d, Tanh, Upsample } from './nn/decoder_layers.ts';
export type { Encoder, EncoderWithMaps } from './nn/encoder.ts';
export { makeEncoder, type ShapedEncoder } from './nn/encoders.ts';
export { Gru, type GruOptions } from './nn/gru.ts';
export { BatchNorm, Conv2d, Gelu, Linear, type LinearOptions, ReLU, Sequential } from './nn/layers.ts';
export { LogitScale } from './nn/logit_scale.ts';
export { MapDecoder, type MapDecoderOptions } from './nn/map_decoder.ts';
export { mlp } from './nn/mlp.ts';
export { inNetwork, type Mode, Module, type NamedTensor } from './nn/module.ts';
export { PatchesEncoder, patchesOfImages } from './nn/patches_encoder.ts';
export { PlaceEmbedding, type PlaceEmbeddingOptions } from './nn/place_embedding.ts';
export { projectionHead } from './nn/projection_head.ts';
export { Prototypes, WeightNormLinear } from './nn/prototypes.ts';
export { ResNet, type ResNetOptions } from './nn/resnet.ts';
export { type TextEnds, type TextOptions, TextTransformer } from './nn/text_transformer.ts';
export { TokenHead } from './nn/token_head.ts';
export { type HiddenTokens, MaskToken, Vit, type VitOptions } from './nn/vit.ts';
export { add } from './ops/add.ts';
export { amax } from './ops/amax.ts';
export { argmaxRows } from './ops/argmax_rows.ts';
export { scaledDotProductAttention } from './ops/attention.ts';
export { augment, augmentParameters, preprocess } from './ops/augment.ts';
export { augmentOperations, type Operation, type OperationSlot, operationTable } from './ops/augment_operations.ts';
export { batchNorm, batchNormInference } from './ops/batch_norm.ts';
export { div, eq, maximum, minimum, mul, sub } from './ops/binary.ts';
export { bmm } from './ops/bmm.ts';
export { columnStd } from './ops/column_std.ts';
export { convTranspose2d } from './ops/conv_transpose2d.ts';
export { conv1d } from './ops/conv1d.ts';
export { conv2d } from './ops/conv2d.ts';
export { cosineSimilarity } from './ops/cosine_similarity.ts';
export { crossEntropy } from './ops/cross_entropy.ts';
export { crossEntropyRows } from './ops/cross_entropy_rows.ts';
export { detach } from './ops/detach.ts';
export { dropout } from './ops/dropout.ts';
export { ema } from './ops/ema.ts';
export { flatten } from './ops/flatten.ts';
export { gatherImages } from './ops/gather_images.ts';
export { gatherRows, scatterAddRows } from './ops/gather_rows.ts';
export { type GaussianNoiseOptions, gaussianNoise } from './ops/gaussian_noise.ts';
export { globalAvgPool } from './ops/global_avg_pool.ts';
export { gradientGate } from './ops/gradient_gate.ts';
export { gradients } from './ops/gradients.ts';
export { interpolate } from './ops/interpolate.ts';
export { l2Normalize } from './ops/l2_normalize.ts';
export { layerNorm } from './ops/layer_norm.ts';
export { linear } from './ops/linear.ts';
export { logSumExp } from './ops/logsumexp.ts';
export { matmul } from './ops/matmul.ts';
export { maxPool2d } from './ops/max_pool.ts';
export { indexCopy, narrow } from './ops/narrow.ts';
export { rankRows } from './ops/rank_rows.ts';
export { overlappingPatches, patchify, rot90, stack, unpatchify, upsampleNearest } from './ops/rearrange.ts';
export { expand, mean, sum } from './ops/reduce.ts';
export { relu } from './ops/relu.ts';
export { reshape } from './ops/reshape.ts';
export { type LabChannel, type LabOptions, rgbToLab } from './ops/rgb_to_lab.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { split } from './ops/split.ts';
export { concat, flip, pad, permute, slice, transpose } from './ops/strided_copy.ts';
export { abs, exp, gelu, leakyRelu, log, neg, sigmoid, softplus, sqrt, square, tanh } from './ops/unary.ts';
export { adam } from './optim/adam.ts';
export { lars } from './optim/lars.ts';
export type { Optimizer } from './optim/optimizer.ts';
export { schedules } from './optim/schedule.ts';
export { sgd } from './optim/sgd.ts';
export { attentionMaps } from './ssl/attention_maps.ts';
export { captionTokens } from './ssl/captions.ts';
export { checkContrastive, contrast, contrastiveOptions } from './ssl/contrastive.ts';
export type { Feeds, ImageTable, StepTime } from './ssl/feeds.ts';
export { FrozenStart } from './ssl/frozen_start.ts';
export type { TrainWarning } from './ssl/health.ts';
export {
  type HiddenPatches,
  type HiddenPatchOptions,
  hiddenPatches,
  hiddenPatchOptions,
} from './ssl/hidden_patches.ts';
export { type MaskedInputs, maskedTokenOptions, maskedTokens } from './ssl/masked_tokens.ts';
export { MemoryBank, type MemoryBankOptions } from './ssl/memory_bank.ts';
export {
  type Build,
  type Chance,
  defineMethod,
  type EpochContext,
  type Figure,
  type ImageFacts,
  type Kept,
  type Learner,
  type Method,
  type Metric,
  type ParameterGroup,
  type SequenceFacts,
  type Settings,
  type Split,
  type Step,
  type TextTower,
  type ViewGroup,
} from './ssl/method.ts';
export { accuracy, embeddingStd } from './ssl/metrics.ts';
export { checkLocalCrops, cropFeatures, localCrops, multiCropOptions } from './ssl/multi_crop.ts';
export { nearestImages, sameImages } from './ssl/neighbors.ts';
export { type PropagationOptions, propagate } from './ssl/propagation.ts';
export { Queue } from './ssl/queue.ts';
export { type Random, random } from './ssl/rng.ts';
export { sequenceOptions, sequencesOf } from './ssl/sequences.ts';
export { augmentationConfig, count, positive, type SharedSettings, share } from './ssl/settings.ts';
export { splitStep } from './ssl/split_step.ts';
export { momentumSchedule, Teacher } from './ssl/teacher.ts';
export { augmentText, type TextAugmentation, textAugmentations, wordsIn } from './ssl/text_augmentation.ts';
export {
  checkTextSizes,
  type TextNetwork,
  type TokenInputs,
  textDropout,
  textNetwork,
  textPooling,
  textSizes,
  textsOf,
  textTokens,
} from './ssl/texts.ts';
export { type StepRun, type StepValues, TrainingStep } from './ssl/training_step.ts';
export { type Checkpoint, loadLearner, readCheckpoint } from './train/checkpoint.ts';
export { loadClassifier, saveClassifier } from './train/classifier_file.ts';
export { type EncoderFile, type GivenEncoder, type LoadedEncoder, readEncoder } from './train/encoder_file.ts';
export type { TrainEvents, TrainResult } from './train/events.ts';
export { saveEncoder } from './train/export.ts';
export { type Exported, exportHuggingFace, exportOnnx, type OnnxExportOptions } from './train/export_onnx.ts';
export { compileTraining, type Training } from './train/learner.ts';
export type { GivenPreparation } from './train/preparation.ts';
export { FollowedFolder, RunFolder } from './train/run_folder.ts';
export { parseSettings, type TrainSettings } from './train/settings.ts';
export {
  parseSupervisedSettings,
  type SupervisedResult,
  type SupervisedSettings,
  trainSupervised,
} from './train/supervised.ts';
export { Trainer } from './train/trainer.ts';
