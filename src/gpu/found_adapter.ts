/** What `adapters.ts` and its twin for browsers are asked for, and what they give. */

/** Which adapter is wanted: the first where nothing is said. */
export interface AdapterChoice {
  /** Part of an adapter's name; a miss lists what is there. */
  readonly adapter?: string;
  /** Dawn's null backend: validates everything, computes nothing. Not in browsers. */
  readonly nullBackend?: boolean;
}

export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  /** For people. */
  readonly name: string;
  /** A software rasteriser. */
  readonly software: boolean;
  /** Says that its device is no longer used. */
  readonly letGo: () => void;
}
