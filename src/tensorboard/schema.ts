/**
 * TensorBoard's messages, as far as they are used here. Names and numbers of fields are those of
 * https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto: event, summary, tensor, tensor_shape.
 */
import protobuf from 'protobufjs/light.js';

/** SessionLog.SessionStatus. */
export const sessionStart = 1;
/** DataType. */
const stringType = 7;
/** DataClass of tensors. */
const tensors = 2;

interface SummaryMetadata {
  readonly pluginData: { readonly pluginName: string };
  readonly dataClass?: number;
}

/** A value of a summary. */
export interface SummaryValue {
  readonly tag: string;
  readonly simpleValue?: number;
  readonly image?: ImageSummary;
  readonly tensor?: { readonly dtype: number; readonly tensorShape: object; readonly stringVal: readonly Uint8Array[] };
  readonly metadata?: SummaryMetadata;
}

/** An encoded picture; `colorspace` is the number of its channels. */
export interface ImageSummary {
  readonly height: number;
  readonly width: number;
  readonly colorspace: number;
  readonly encodedImageString: Uint8Array;
}

/** A record of an event file. */
export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly SummaryValue[] };
  readonly sessionLog?: { readonly status: number };
}

export const scalar = (tag: string, value: number): SummaryValue => ({ tag, simpleValue: value });

export const picture = (tag: string, image: ImageSummary): SummaryValue => ({ tag, image });

/** A text in Markdown. */
export const text = (tag: string, markdown: string): SummaryValue => ({
  tag: `${tag}/text_summary`,
  tensor: { dtype: stringType, tensorShape: {}, stringVal: [Buffer.from(markdown)] },
  metadata: { pluginData: { pluginName: 'text' }, dataClass: tensors },
});

const field = (id: number, type: string) => ({ id, type });
const repeated = (id: number, type: string) => ({ id, type, rule: 'repeated' });

const messages = {
  Event: {
    wallTime: field(1, 'double'),
    step: field(2, 'int64'),
    fileVersion: field(3, 'string'),
    summary: field(5, 'Summary'),
    sessionLog: field(7, 'SessionLog'),
  },
  SessionLog: { status: field(1, 'int32') },
  Summary: { value: repeated(1, 'Value') },
  Value: {
    tag: field(1, 'string'),
    simpleValue: field(2, 'float'),
    image: field(4, 'Image'),
    tensor: field(8, 'TensorProto'),
    metadata: field(9, 'SummaryMetadata'),
  },
  Image: {
    height: field(1, 'int32'),
    width: field(2, 'int32'),
    colorspace: field(3, 'int32'),
    encodedImageString: field(4, 'bytes'),
  },
  SummaryMetadata: { pluginData: field(1, 'PluginData'), dataClass: field(4, 'int32') },
  PluginData: { pluginName: field(1, 'string') },
  TensorProto: { dtype: field(1, 'int32'), tensorShape: field(2, 'TensorShapeProto'), stringVal: repeated(8, 'bytes') },
  TensorShapeProto: {},
};

/** Of these one is there, and is written even where it is nought: a loss of 0 is a value. */
const oneofs: Readonly<Record<string, Record<string, { oneof: string[] }>>> = {
  Event: { what: { oneof: ['fileVersion', 'summary', 'sessionLog'] } },
  Value: { value: { oneof: ['simpleValue', 'image', 'tensor'] } },
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => [name, { fields, ...(oneofs[name] && { oneofs: oneofs[name] }) }]),
  ),
});
const eventType = root.lookupType('Event');

/** The bytes of an event, without their frame. */
export const encodeEvent = (event: Event): Uint8Array => eventType.encode(event).finish();
