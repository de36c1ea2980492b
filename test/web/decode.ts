/** What a browser makes of files of pictures. */
import { decodePhoto } from '../../src/web/photos.ts';

/** The pixels of a file that is given in base64; or why there are none. */
export async function decoded(base64: string, size: number): Promise<number[] | string> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  try {
    return Array.from(await decodePhoto(new Blob([bytes]), size));
  } catch (error) {
    return (error as Error).message;
  }
}
