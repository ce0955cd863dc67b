const encoder = new TextEncoder();

/** Writes a line to standard output: the result of the command. */
export function print(line: string): void {
  writeAll(Deno.stdout, `${line}\n`);
}

/** Writes a line to standard error: progress and notes for the user. */
export function printNote(line: string): void {
  writeAll(Deno.stderr, `${line}\n`);
}

/** Shows progress: a bar in a terminal, otherwise a line for each change. */
export function createProgressBar(): { show(percent: number, text: string): void; end(): void } {
  const live = Deno.stderr.isTerminal();
  let shown = "";
  return {
    show(percent, text) {
      const full = Math.round(percent / 4);
      const line = `${live ? `${"█".repeat(full)}${"░".repeat(25 - full)} ` : "  "}${percent}% ${text}`;
      if (line === shown) return;
      shown = line;
      // The code after the return clears the rest of a longer line.
      writeAll(Deno.stderr, live ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end() {
      if (live && shown !== "") writeAll(Deno.stderr, "\n");
    },
  };
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
}
