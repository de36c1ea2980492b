import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { fileError, quote } from '../../src/io/file_errors.ts';
import {
  appendLine,
  ensureWritableDir,
  readJsonLines,
  temporaryName,
  truncateJsonLines,
  writeFileAtomic,
} from '../../src/io/files.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  file = path.join(folder, 'out.bin');
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true });
});

const systemError = (code: string) => Object.assign(new Error(`${code}: injected, write`), { code });

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).not.toMatch(/\n/);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('writeFileAtomic', () => {
  it('writes any pieces one after the other and returns their size', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array(), fc.string({ unit: 'grapheme' }))), (pieces) => {
        const expected = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
        expect(writeFileAtomic(file, pieces)).toBe(expected.length);
        expect(fs.readFileSync(file).equals(expected)).toBe(true);
      }),
      { numRuns: 30 },
    );
    expect(fs.readdirSync(folder)).toEqual(['out.bin']);
  });

  it('takes a text or an array as a single piece', () => {
    expect(writeFileAtomic(file, 'häh')).toBe(4);
    expect(fs.readFileSync(file, 'utf8')).toBe('häh');
    expect(writeFileAtomic(file, Uint8Array.of(1, 2))).toBe(2);
    expect([...fs.readFileSync(file)]).toEqual([1, 2]);
  });

  it('goes on after a write that took only a part', () => {
    const { writeSync } = fs;
    vi.spyOn(fs, 'writeSync').mockImplementation(((fd: number, bytes: Uint8Array, offset: number, length: number) =>
      writeSync(fd, bytes, offset, Math.min(3, length))) as typeof fs.writeSync);
    expect(writeFileAtomic(file, ['0123456789', 'ab'])).toBe(12);
    expect(fs.readFileSync(file, 'utf8')).toBe('0123456789ab');
  });

  it('leaves the old file when it is interrupted between pieces', () => {
    fs.writeFileSync(file, 'old');
    const interrupted = new Error('interrupted');
    function* pieces() {
      yield 'new';
      expect(fs.readdirSync(folder)).toHaveLength(2);
      throw interrupted;
    }
    expect(() => writeFileAtomic(file, pieces())).toThrow(interrupted);
    expect(fs.readFileSync(file, 'utf8')).toBe('old');
    expect(fs.readdirSync(folder)).toEqual(['out.bin']);
  });

  it.each([
    ['ENOSPC', 'no space left on device; free space or choose another --out'],
    ['EDQUOT', 'the disk quota is used up; free space or choose another --out'],
    ['EROFS', 'the file system is read-only; choose another --out'],
    ['EACCES', 'permission denied; change the permissions or choose another --out'],
    ['EIO', 'the device reported an input/output error; choose another --out'],
  ])('explains %s of any call, removes the temporary and leaves the old file', (code, message) => {
    fs.writeFileSync(file, 'old');
    for (const call of ['openSync', 'writeSync', 'fsyncSync', 'closeSync', 'renameSync'] as const) {
      const { closeSync } = fs;
      vi.spyOn(fs, call).mockImplementationOnce((...args: unknown[]) => {
        if (call === 'closeSync') closeSync(args[0] as number);
        throw systemError(code);
      });
      expect(errorOf(() => writeFileAtomic(file, ['new']))).toBe(`cannot write ${file}: ${message}`);
      vi.restoreAllMocks();
      expect(fs.readFileSync(file, 'utf8')).toBe('old');
      expect(fs.readdirSync(folder)).toEqual(['out.bin']);
    }
  });

  it('leaks no file descriptor, however it ends', () => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    writeFileAtomic(file, 'x');
    const before = open();
    vi.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw systemError('ENOSPC');
    });
    for (let i = 0; i < 5; i++) errorOf(() => writeFileAtomic(file, 'y'));
    vi.restoreAllMocks();
    writeFileAtomic(file, 'z');
    expect(open()).toBe(before);
  });

  it('syncs the file before the rename and the folder after it', () => {
    const calls: string[] = [];
    const { fsyncSync, renameSync } = fs;
    vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
      calls.push(fs.fstatSync(fd).isDirectory() ? 'sync folder' : 'sync file');
      fsyncSync(fd);
    });
    vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      calls.push('rename');
      renameSync(from, to);
    });
    writeFileAtomic(file, 'x');
    expect(calls).toEqual(['sync file', 'rename', 'sync folder']);
  });

  it('refuses a folder, a device, and a path under a file or in no folder', () => {
    fs.writeFileSync(file, 'old');
    expect(errorOf(() => writeFileAtomic(folder, 'x'))).toMatch(/it is a folder, not a file; choose another --out/);
    expect(errorOf(() => writeFileAtomic('/dev/full', 'x'))).toMatch(/it is not a regular file/);
    expect(errorOf(() => writeFileAtomic(path.join(file, 'x'), 'x'))).toMatch(/a part of the path is a file/);
    expect(errorOf(() => writeFileAtomic(path.join(folder, 'no', 'x'), 'x'))).toMatch(/no such file or folder; create/);
    expect(errorOf(() => writeFileAtomic('/proc/x', 'x'))).toMatch(/^cannot write \/proc\/x: /);
    expect(fs.readFileSync(file, 'utf8')).toBe('old');
    expect(fs.statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it.each([
    [250, 'n'],
    [255, 'n'],
    [254, 'ä'],
  ])('writes a name of %i bytes', (bytes, letter) => {
    const name = letter.repeat(bytes / Buffer.byteLength(letter));
    writeFileAtomic(path.join(folder, name), 'new');
    writeFileAtomic(path.join(folder, name), 'newer');
    expect(fs.readdirSync(folder)).toEqual([name]);
    expect(fs.readFileSync(path.join(folder, name), 'utf8')).toBe('newer');
  });

  it('says that a name is too long for any file', () => {
    expect(errorOf(() => writeFileAtomic(path.join(folder, 'n'.repeat(256)), 'x'))).toMatch(/the name is too long/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('writes through a symbolic link', () => {
    const link = path.join(folder, 'link');
    fs.writeFileSync(file, 'old');
    fs.symlinkSync('out.bin', link);
    writeFileAtomic(link, 'new');
    expect(fs.readFileSync(file, 'utf8')).toBe('new');
    expect(fs.readlinkSync(link)).toBe('out.bin');
  });

  it('removes what killed processes left behind, and nothing else', () => {
    const gone = spawnSync('true').pid;
    const others = [temporaryName(file, process.ppid), temporaryName('other.bin', gone), `.x.${gone}.tmp`, '.x.tmp'];
    for (const name of [temporaryName(file, gone), temporaryName(file, process.pid), ...others]) {
      fs.writeFileSync(path.join(folder, name), 'half');
    }
    writeFileAtomic(file, 'new');
    expect(fs.readdirSync(folder).sort()).toEqual([...others, 'out.bin'].sort());
  });
});

describe('ensureWritableDir', () => {
  it('creates folders and leaves them empty', () => {
    const deep = path.join(folder, 'a', 'b');
    ensureWritableDir(deep);
    ensureWritableDir(deep);
    expect(fs.readdirSync(deep)).toEqual([]);
  });

  it('explains what is in the way and names the option', () => {
    fs.writeFileSync(file, '');
    expect(errorOf(() => ensureWritableDir(file))).toMatch(/a file of that name is in the way; choose another --out/);
    expect(errorOf(() => ensureWritableDir(path.join(file, 'x'), '--cache'))).toBe(
      `cannot write ${path.join(file, 'x')}: a part of the path is a file, not a folder; choose another --cache`,
    );
    for (const place of ['/proc/self', '/proc/x', '/proc/x/y', '/dev/full/x']) {
      expect(errorOf(() => ensureWritableDir(place))).toMatch(/^cannot write \/(proc|dev)\/.*: .*; .*--out$/);
    }
  });
});

describe('JSON lines', () => {
  const anyRecord = fc.dictionary(
    fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'),
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)),
  );
  const write = (text: string | Buffer) => fs.writeFileSync(file, text);
  const read = () => fs.readFileSync(file, 'utf8');

  it('reads back any records that were appended', () => {
    fc.assert(
      fc.property(fc.array(anyRecord), (records) => {
        write('');
        for (const record of records) appendLine(file, record);
        expect(readJsonLines(file)).toEqual(records.map((record) => ({ ...record })));
      }),
      { numRuns: 30 },
    );
  });

  it('loses only the record that was being written, wherever a crash cuts the file, and goes on after it', () => {
    const records = [{ step: 1, loss: 2.5 }, { step: 2, note: 'ä\n' }, { step: 3 }];
    const whole = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    for (let length = 0; length <= whole.length; length++) {
      write(whole.subarray(0, length));
      const left = readJsonLines(file);
      const breaks = whole.subarray(0, length).toString().split('\n').length - 1;
      expect(left).toEqual(records.slice(0, left.length));
      expect(left.length - breaks).toBeGreaterThanOrEqual(0);
      appendLine(file, { step: 9 });
      expect(readJsonLines(file)).toEqual([...left, { step: 9 }]);
    }
  });

  it('drops the zeros that a power failure can leave at the end', () => {
    write('{"step":1}\n\0\0\0\0');
    expect(readJsonLines(file)).toEqual([{ step: 1 }]);
  });

  it('names the line that is broken elsewhere', () => {
    write('{"step":1}\n\n{"st\x1b\n{"step":3}\n');
    expect(errorOf(() => readJsonLines(file))).toBe(
      `cannot read ${file}: line 3 is not a JSON object: "{\\"st\\u001b"; remove that line`,
    );
    write('5\n');
    expect(errorOf(() => readJsonLines(file))).toMatch(/line 1 is not a JSON object/);
    expect(errorOf(() => readJsonLines(path.join(folder, 'none')))).toMatch(/no such file/);
  });

  it('truncates to the records to keep, byte by byte, and drops a cut line', () => {
    write('{"step": 1}\n{"step": 2 , "loss":1.50}\n{"step":3}\n{"st');
    expect(truncateJsonLines(file, (record) => (record as { step: number }).step <= 2)).toBe(1);
    expect(read()).toBe('{"step": 1}\n{"step": 2 , "loss":1.50}\n');
    expect(truncateJsonLines(file, () => false)).toBe(2);
    expect(read()).toBe('');
  });

  it('leaves a file alone of which all is kept, and one that does not exist', () => {
    write('{"step":1}\n');
    const { ino } = fs.statSync(file);
    expect(truncateJsonLines(file, () => true)).toBe(0);
    expect(fs.statSync(file).ino).toBe(ino);
    expect(truncateJsonLines(path.join(folder, 'none'), () => true)).toBe(0);
    expect(fs.existsSync(path.join(folder, 'none'))).toBe(false);
  });

  it('adds the line break that a whole last record lacks', () => {
    write('{"step":1}');
    expect(truncateJsonLines(file, () => true)).toBe(0);
    expect(read()).toBe('{"step":1}\n');
  });

  it.skipIf(!fs.existsSync('/dev/full'))('explains a full disk (/dev/full; skipped where there is none)', () => {
    expect(errorOf(() => appendLine('/dev/full', { step: 1 }))).toBe(
      'cannot write /dev/full: no space left on device; free space or choose another --out',
    );
  });

  it('takes back the half of a line that still fitted on a full disk', () => {
    write('{"step":1}\n');
    const { writeSync } = fs;
    vi.spyOn(fs, 'writeSync')
      .mockImplementationOnce(((fd: number, bytes: Uint8Array) => writeSync(fd, bytes, 0, 4)) as typeof fs.writeSync)
      .mockImplementationOnce(() => {
        throw systemError('ENOSPC');
      });
    expect(errorOf(() => appendLine(file, { step: 2 }))).toMatch(/no space left on device/);
    expect(read()).toBe('{"step":1}\n');
  });
});

describe('fileError', () => {
  it('leaves errors alone that are no system errors', () => {
    for (const error of [
      new Error('bug'),
      Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
      'text',
    ]) {
      expect(fileError('write', file, error)).toBe(error);
    }
    const user = new UserError('already said');
    expect(fileError('write', file, user)).toBe(user);
  });

  it('keeps the system error as its cause', () => {
    const cause = systemError('EWEIRD');
    const error = fileError('read', file, cause) as UserError;
    expect(error.message).toBe(`cannot read ${file}: system error EWEIRD; check the path`);
    expect(error.cause).toBe(cause);
  });
});

describe('quote', () => {
  it('keeps any text on one short line without control characters', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 200 }), (units) => {
        const text = String.fromCharCode(...units);
        const quoted = quote(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(quoted).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028\u2029]/);
        expect(quoted.length).toBeLessThanOrEqual(2 + 80 * 6);
      }),
    );
  });
});
