/** Which names are photos, and which files and folders are never looked at. */
import { extname } from 'node:path';

/** Extensions that are looked for, in any case. */
export const PHOTO_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];
/** The same by the names of their formats, for people. */
export const PHOTO_FORMATS = 'PNG, JPEG, WebP, AVIF, TIFF, GIF';
/** Photos that the decoder cannot read: reported, not silently passed over. */
export const UNREADABLE_EXTENSIONS: readonly string[] = ['.heic', '.heif', '.bmp'];

export const extensionOf = (name: string): string => extname(name).toLowerCase();
export const isPhoto = (name: string): boolean => PHOTO_EXTENSIONS.includes(extensionOf(name));

/** What systems keep beside photos: copies in a zip archive of macOS, thumbnails of a Synology, Windows' recycle bin. */
const ofSystems: readonly string[] = ['__MACOSX', '@eaDir', '$RECYCLE.BIN'];

/** Names that start with a dot (`.git`, macOS's `._photo.jpg`) and what systems keep for themselves. */
export const isHidden = (name: string): boolean => name.startsWith('.') || ofSystems.includes(name);

/** Folders of packages, whose icons are no one's photos. */
export const packageFolders: readonly string[] = ['node_modules', 'site-packages'];
