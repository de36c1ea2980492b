/** A picture as large as the window. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface LargePictureProps {
  readonly caption: string;
  readonly src: string;
  readonly onClose: () => void;
  readonly onKey?: (key: string) => void;
  /** Further buttons. */
  readonly children?: ComponentChildren;
}

export function LargePicture({ caption, src, onClose, onKey, children }: LargePictureProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={caption} onClose={onClose} onKeyDown={({ key }) => onKey?.(key)}>
      <div class="head">
        <h3>{caption}</h3>
        {children}
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      <img src={src} alt={caption} />
    </dialog>
  );
}
