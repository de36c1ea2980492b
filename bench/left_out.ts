import { UserError } from '../src/errors.ts';

/** Thrown by a peer that does not take part in a case: not installed, or too slow for this size. The message is the one line said of it. */
export class LeftOut extends UserError {}
