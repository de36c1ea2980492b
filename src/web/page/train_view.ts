/** A training is set up, followed, stopped and continued here. */
import type { Finished, Planned, ToWorker } from '../protocol.ts';
import { attempt, forgetLearnt, setActivity, trained, trainedFor } from './actions.ts';
import { failureOf } from './client.ts';
import { goalOf, proceedLabel, rateNote } from './continuing.ts';
import { afterPause, byId, el } from './dom.ts';
import { counted, decimal, duration, formatBytes, percentage, sentence, short, whole } from './format.ts';
import { LivePanel, summary } from './live_panel.ts';
import { openPhotos } from './photos_view.ts';
import { SettingsForm } from './settings_form.ts';
import { type App, isBusy, isTraining, type State, type TrainingState } from './state.ts';
import { suggested } from './suggestions.ts';

const how =
  'In each step the network sees some of the photos twice, each time cropped, recoloured and blurred at random, and learns to tell which ' +
  'two views are of the same photo. What it has to notice for that is what makes photos alike. How long it takes is known after a few steps.';

/** Shares of a training that are told to those who listen. */
const told = 4;

class TrainView {
  private readonly form: SettingsForm;
  private readonly live = new LivePanel(byId('live'));
  private readonly start = el('button', { type: 'submit', class: 'primary' }, 'Start training');
  private readonly stop = el('button', { type: 'button', class: 'primary' }, 'Stop');
  private readonly proceed = el('button', { type: 'button', class: 'primary', id: 'continue' }, 'Continue');
  /** What becomes of the learning rate in a longer training. */
  private readonly longer = el('p', { class: 'note', id: 'longer', hidden: true });
  /** What a training with these settings would need, or why there can be none. */
  private readonly note = el('p', { class: 'note', id: 'plan' });
  private readonly replan = afterPause(() => void this.plan(), 300);
  private tellings = 0;

  constructor(private readonly app: App) {
    const element = byId<HTMLFormElement>('settings');
    const buttons = el('p', { class: 'buttons' }, this.stop, this.proceed, this.start);
    element.append(this.note, this.longer, buttons);
    this.form = new SettingsForm(element, (name) => this.changed(name));
    element.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.train();
    });
    this.stop.addEventListener('click', () => this.askToStop());
    this.proceed.addEventListener('click', () => void this.goOn());
    this.listen();
    const { store } = app;
    store.watch(['device'], (state) => this.takeDevice(state));
    store.watch(['open', 'device'], (state) => this.takePhotos(state));
    store.watch(['training', 'busy', 'encoder'], (state) => this.showPhase(state));
  }

  private set(changes: Partial<TrainingState>): void {
    const { store } = this.app;
    if (store.value.training) store.set({ training: { ...store.value.training, ...changes } });
  }

  /** What the worker says while it trains. */
  private listen(): void {
    const { client, announce } = this.app;
    client.on('compiling', ({ done, total }) =>
      this.busy({ label: 'Preparing the GPU', done: done / total, detail: `${done} of ${total} programs` }),
    );
    client.on('ready', (ready) => {
      this.live.begin(ready);
      if (ready.startsAt === 0) forgetLearnt(this.app);
      this.form.showDefaults(ready.settings);
      if (ready.notes.length > 0) this.live.say(ready.notes.map(sentence).join(' '));
      this.set({ ready, phase: this.phase === 'stopping' ? 'stopping' : 'running' });
    });
    client.on('step', (step) => {
      this.live.step(step);
      this.set({ step, phase: this.phase === 'stopping' ? 'stopping' : 'running' });
      const detail = `epoch ${whole(step.epoch)}, loss ${decimal(step.loss, 2)}, ${duration(step.secondsLeft)} left`;
      this.busy({ label: 'Training', done: step.step / step.steps, detail });
      const quarter = Math.floor((told * step.step) / step.steps);
      if (quarter > this.tellings && quarter < told)
        announce(`${percentage(quarter / told, 0)} trained, loss ${decimal(step.loss, 2)}.`);
      this.tellings = quarter;
    });
    client.on('epoch', () => {
      // From here on photos can be searched while it trains, with the weights as they are then.
      if (this.app.store.value.encoder === undefined) this.app.store.set({ encoder: trained });
    });
    client.on('similarity', (similarity) => this.live.heat.show(similarity));
    client.on('pairs', (pairs) => this.live.pairs.show(pairs));
    client.on('warning', ({ message }) => this.live.say(sentence(message), { isFault: true }));
  }

  private get phase(): TrainingState['phase'] | undefined {
    return this.app.store.value.training?.phase;
  }

  private busy(activity: { label: string; done?: number; detail?: string }): void {
    const { busy } = this.app.store.value;
    const stop = this.phase === 'stopping' ? undefined : 'Stop';
    setActivity(this.app, busy.has('continue') ? 'continue' : 'train', { ...activity, stop });
  }

  private takeDevice({ device }: State): void {
    if (!device) return;
    this.form.offer(
      'method',
      device.methods.map(({ name, about }) => [name, about === '' ? name : `${name}: ${about}`] as const),
    );
  }

  private takePhotos({ open, device }: State): void {
    byId('train-empty').hidden = open !== undefined;
    byId('train-body').hidden = open === undefined;
    if (!open) return;
    const count = open.photos.length;
    this.form.suggest({ ...suggested(device, count) });
    this.form.set('imageSize', String(open.imageSize));
    this.form.limit({ batchSize: { value: count, reason: `there are ${counted(count, 'photo')}` } });
    if (!isTraining(this.app.store.value)) this.replan();
  }

  private changed(name: string): void {
    const { open } = this.app.store.value;
    if (name === 'epochs') this.showPhase(this.app.store.value);
    if (name !== 'imageSize') this.replan();
    else if (open) void openPhotos(this.app, open.asked, Number(this.form.value('imageSize')));
  }

  /** Shows what a training with these settings would need. */
  private async plan(): Promise<void> {
    const { store, client } = this.app;
    const { training, open } = store.value;
    if (!open || isBusy(store.value)) return;
    const settings = this.form.read();
    this.note.textContent = '';
    if (!settings) return;
    let facts: Planned;
    try {
      facts = await client.request({ type: 'plan', settings });
    } catch (thrown) {
      this.sayPlan(sentence(failureOf(thrown).message), true);
      return;
    }
    this.form.showDefaults(facts.settings);
    if (isTraining(store.value)) return;
    const { parameters, peakBytes, steps } = facts;
    this.sayPlan(`${short(parameters)} parameters, ${formatBytes(peakBytes)} on the GPU, ${counted(steps, 'step')}.`);
    // What was trained stays in sight until another training begins.
    if (training) return;
    this.live.plan(facts);
    this.live.say(how);
  }

  private sayPlan(text: string, isFault = false): void {
    this.note.textContent = text;
    this.note.classList.toggle('bad', isFault);
  }

  private async train(): Promise<void> {
    const settings = this.form.read({ focus: true });
    if (settings) await this.run({ type: 'train', settings });
  }

  /** Goes on with what was stopped, or makes longer what has ended. */
  private async goOn(): Promise<void> {
    const epochs = this.goal;
    if (epochs !== undefined) this.form.set('epochs', String(epochs));
    await this.run({ type: 'continue', ...(epochs !== undefined && { epochs }) });
  }

  private get goal(): number | undefined {
    return goalOf(this.app.store.value.training, this.form.value('epochs'));
  }

  private async run(request: Extract<ToWorker, { type: 'train' | 'continue' }>): Promise<void> {
    const { type } = request;
    const { store, client } = this.app;
    if (isBusy(store.value)) return;
    const { training } = store.value;
    this.tellings = 0;
    this.live.say('');
    store.set({
      training: {
        phase: 'compiling',
        ready: training?.ready,
        step: type === 'continue' ? training?.step : undefined,
        finished: undefined,
      },
    });
    const activity = { label: 'Preparing the GPU', stop: 'Stop' };
    const finished = await attempt(this.app, { place: 'train', during: type, activity }, () => client.request(request));
    // Where the device was lost, what is left of the training is told by then.
    this.set({ phase: 'ended', ...(finished && { finished }) });
    if (finished) this.end(finished);
    else this.live.say('It did not come to its end: see above.', { isFault: true });
  }

  private end(finished: Finished): void {
    const { store, announce } = this.app;
    const words = finished.interrupted
      ? `Stopped after ${summary(finished)}: what was learnt is kept.`
      : `Trained: ${summary(finished)}.`;
    this.live.say(words, { hasLearnt: finished.step > 0 });
    announce(words);
    if (finished.step === 0) return;
    store.set({ encoder: trainedFor(finished.step), unsaved: true, version: store.value.version + 1 });
  }

  private askToStop(): void {
    this.set({ phase: 'stopping' });
    this.app.client.stop();
  }

  private showPhase(state: State): void {
    const { training } = state;
    const running = isTraining(state);
    byId('train-body').classList.toggle('begun', training !== undefined);
    this.form.disable(running);
    this.stop.hidden = !running;
    this.stop.disabled = training?.phase === 'stopping';
    this.stop.textContent = training?.phase === 'stopping' ? 'Stopping …' : 'Stop';
    const interrupted = training?.finished?.interrupted === true;
    const { goal } = this;
    this.proceed.hidden = running || !training?.finished || state.encoder === undefined;
    this.proceed.textContent = proceedLabel(training, goal);
    this.proceed.classList.toggle('primary', interrupted);
    this.longer.hidden = this.proceed.hidden || goal === undefined;
    this.longer.textContent = rateNote(training?.ready, goal);
    this.note.hidden = running;
    this.start.hidden = running;
    this.start.classList.toggle('primary', !interrupted);
    this.start.textContent = training?.finished ? 'Train from the start' : 'Start training';
    this.start.disabled = this.proceed.disabled = isBusy(state);
    if (training) this.live.show(training);
  }
}

/** Makes the view work. */
export function trainView(app: App): void {
  new TrainView(app);
}
