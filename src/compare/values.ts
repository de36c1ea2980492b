/** Names and values of settings as they are typed behind `--set` and `--sweep`. */
import type { SettingSchema } from '../train/settings.ts';

/** `queueSize` → `queue-size`: as in the flag. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `queue-size` → `queueSize` */
export const camel = (name: string): string => name.replace(/-([a-z\d])/g, (_, letter: string) => letter.toUpperCase());

/** The value that a text is of a setting; what it cannot be stays a text, and the setting's own check refuses it. */
export function readValue(schema: SettingSchema, text: string): unknown {
  const { type } = schema.unwrap() as unknown as { type: string };
  if (type === 'string' || type === 'enum') return text;
  if (type === 'boolean') return { on: true, true: true, off: false, false: false }[text] ?? text;
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}
