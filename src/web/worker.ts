/** The worker of the page: see `protocol.ts`. */
import './no_eval.ts'; // first: others make schemas
import type { FromWorker, ToWorker } from './protocol.ts';
import { Requests } from './requests.ts';

/** A dedicated worker's own end, which the library of types for pages does not know. */
interface Port {
  postMessage(answer: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const port = globalThis as unknown as Port;

const requests = new Requests((answer, transfer) => port.postMessage(answer, transfer));
port.onmessage = ({ data }) => requests.receive(data);
void requests.begin();
