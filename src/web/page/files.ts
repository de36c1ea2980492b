/** Photos out of what was dropped or chosen: folders are read to the bottom. */
import type { Photo } from '../protocol.ts';

/** Endings of files without a type: some systems know none for these. */
const endings = /\.(jpe?g|jfif|png|webp|gif|avif|bmp|heic|heif|tiff?)$/i;

/** Whether a file says that it is a picture. SVG is none: it has no pixels to learn from. */
export const isPicture = (file: File): boolean =>
  file.type === '' ? endings.test(file.name) : file.type.startsWith('image/') && file.type !== 'image/svg+xml';

/** Photos in the order of their names, and how many files were passed over because they are no pictures. */
export interface Chosen {
  readonly photos: readonly Photo[];
  readonly others: number;
}

/** Hidden files, and what macOS puts into archives beside each file. */
const isHidden = (name: string): boolean => /(^|\/)(\.|__MACOSX\/)/.test(name);

const order = new Intl.Collator('en', { numeric: true });

function chosen(all: readonly Photo[]): Chosen {
  const seen = all.filter(({ name }) => !isHidden(name));
  const photos = seen.filter(({ file }) => isPicture(file)).sort((a, b) => order.compare(a.name, b.name));
  return { photos, others: seen.length - photos.length };
}

/** Names are paths below the folder that all files are in. */
function withoutCommonFolder(photos: readonly Photo[]): Photo[] {
  const first = photos[0]?.name.split('/')[0];
  const common = photos.every(({ name }) => name.includes('/') && name.split('/')[0] === first);
  return photos.map(({ name, file }) => ({ name: common ? name.slice(first!.length + 1) : name, file }));
}

/** Files of an `<input type="file">`, with `webkitdirectory` or without. */
export const chosenFiles = (files: Iterable<File>): Chosen =>
  chosen(withoutCommonFolder([...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }))));

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** All entries of a folder: a reader gives them in portions. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(
  entry: FileSystemEntry,
  path: string,
  found: Photo[],
  onFound: (files: number) => void,
): Promise<void> {
  const name = path === '' ? entry.name : `${path}/${entry.name}`;
  if (entry.isDirectory) {
    for (const inner of await entriesOf(entry as FileSystemDirectoryEntry)) await walk(inner, name, found, onFound);
    return;
  }
  found.push({ name, file: await fileOf(entry as FileSystemFileEntry) });
  if (found.length % 100 === 0) onFound(found.length);
}

/**
 * Files and folders that were dropped. Entries are only to be had during the event, so this is called in it.
 *
 * @param onFound how many files were found so far, every hundred
 * @throws DOMException a folder or a file cannot be read
 */
export async function droppedFiles(transfer: DataTransfer, onFound: (files: number) => void): Promise<Chosen> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  // A drag that a program makes may have files and no entries.
  if (entries.length === 0) return chosenFiles(transfer.files);
  const found: Photo[] = [];
  for (const entry of entries) await walk(entry, '', found, onFound);
  return chosen(withoutCommonFolder(found));
}

/** Whether files are being dragged: text and links are none of the page's business. */
export const dragsFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false;
