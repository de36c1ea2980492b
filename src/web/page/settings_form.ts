/** The form of a training: what is entered, checked as it is typed. */
import type { WebSettings } from '../protocol.ts';
import { el, setAttribute } from './dom.ts';
import { choiceValue, type Field, fields, readNumber } from './fields.ts';

interface Row {
  readonly field: Field;
  readonly row: HTMLElement;
  readonly input: HTMLInputElement | HTMLSelectElement;
  readonly fault: HTMLElement;
}

type Limits = Readonly<Record<string, { readonly value: number; readonly reason: string } | undefined>>;

function makeRow(field: Field): Row {
  const id = `setting-${field.name}`;
  const common = { id, name: field.name, 'aria-describedby': `${id}-help ${id}-fault` };
  const input =
    field.kind === 'number'
      ? el('input', { ...common, type: 'text', inputmode: field.whole ? 'numeric' : 'decimal', autocomplete: 'off' })
      : el('select', common, ...field.choices.map(([value, label]) => el('option', { value }, label)));
  const fault = el('p', { class: 'fault', id: `${id}-fault` });
  const help = el('p', { class: 'help', id: `${id}-help` }, field.help);
  const row = el('div', { class: 'field' }, el('label', { for: id }, field.label), input, fault, help);
  return { field, row, input, fault };
}

export class SettingsForm {
  private readonly rows = fields.map(makeRow);
  /** What the user has entered: all else follows the suggestions. */
  private readonly touched = new Set<string>();
  private limits: Limits = {};

  /**
   * @param form takes the fields, before what it has already
   * @param onChange is called when a setting was changed by the user
   */
  constructor(form: HTMLFormElement, onChange: (name: string) => void) {
    const [basic, more] = [false, true].map((folded) =>
      this.rows.filter(({ field }) => Boolean(field.advanced) === folded),
    );
    const rowsOf = (rows: readonly Row[]) => rows.map(({ row }) => row);
    const details = el(
      'details',
      {},
      el('summary', {}, 'More settings'),
      el('div', { class: 'fields' }, ...rowsOf(more)),
    );
    form.prepend(el('div', { class: 'fields' }, ...rowsOf(basic)), details);
    for (const row of this.rows) {
      row.input.addEventListener('input', () => {
        this.touched.add(row.field.name);
        this.check(row);
        onChange(row.field.name);
      });
    }
  }

  /** Values of fields that the user has not changed. */
  suggest(values: Readonly<Partial<Record<string, number>>>): void {
    for (const { field } of this.rows) {
      const value = values[field.name];
      if (value !== undefined && !this.touched.has(field.name)) this.set(field.name, String(value));
    }
  }

  /** Gives a field a value, which a choice offers from then on. */
  set(name: string, value: string): void {
    const { input } = this.row(name);
    if (input instanceof HTMLSelectElement) this.addChoice(input, value);
    input.value = value;
  }

  /** What a choice offers; that with one choice is not shown. */
  offer(name: string, choices: readonly (readonly [value: string, label: string])[]): void {
    const { input, row } = this.row(name);
    const former = input.value;
    input.replaceChildren(...choices.map(([value, label]) => el('option', { value }, label)));
    input.value = choices.some(([value]) => value === former) ? former : (choices[0]?.[0] ?? '');
    row.hidden = choices.length < 2;
  }

  /** Bounds that follow from the photos. */
  limit(limits: Limits): void {
    this.limits = limits;
    for (const row of this.rows) if (row.input.value !== '') this.check(row);
  }

  /** Defaults of all settings, as the worker has them: shown where nothing was entered. A setting that is not there is not the method's. */
  showDefaults(settings: WebSettings): void {
    for (const { field, row, input } of this.rows) {
      if (!field.advanced || field.name === 'method') continue;
      const value = settings[field.name];
      row.hidden = value === undefined;
      if (value === undefined || this.touched.has(field.name)) continue;
      if (input instanceof HTMLSelectElement) this.set(field.name, String(value));
      else input.placeholder = String(value);
    }
  }

  /** What was entered. */
  value(name: string): string {
    return this.row(name).input.value;
  }

  /** Settings for the worker; undefined where something is wrong, which is shown then. */
  read({ focus = false } = {}): WebSettings | undefined {
    const wrong = this.rows.filter((row) => !this.check(row));
    if (wrong.length > 0) {
      if (focus) this.reveal(wrong[0]);
      return undefined;
    }
    const given = this.rows.filter(({ field, row, input }) => {
      if (field.name === 'imageSize' || row.hidden || input.value === '') return false;
      return !field.advanced || this.touched.has(field.name) || field.name === 'method';
    });
    return Object.fromEntries(
      given.map(({ field, input }) => {
        const read = field.kind === 'number' ? readNumber(input.value, field) : undefined;
        return [field.name, read && 'value' in read ? read.value : choiceValue(input.value)];
      }),
    );
  }

  /** While it trains, settings are those of the training. */
  disable(disabled: boolean): void {
    for (const { input } of this.rows) input.disabled = disabled;
  }

  private row(name: string): Row {
    return this.rows.find(({ field }) => field.name === name)!;
  }

  private reveal({ row, input }: Row): void {
    const details = row.closest('details');
    if (details) details.open = true;
    input.focus();
  }

  /** Whether a field is right; says beside it what is not. Advanced ones may be left empty. */
  private check({ field, row, input, fault }: Row): boolean {
    const optional = row.hidden || field.kind !== 'number' || (field.advanced && input.value.trim() === '');
    const read = optional ? undefined : readNumber(input.value, field, this.limits[field.name]);
    const text = read && 'fault' in read ? read.fault : '';
    fault.textContent = text;
    setAttribute(input, 'aria-invalid', text === '' ? undefined : 'true');
    return text === '';
  }

  private addChoice(select: HTMLSelectElement, value: string): void {
    if ([...select.options].some((option) => option.value === value)) return;
    select.append(el('option', { value }, value));
  }
}
