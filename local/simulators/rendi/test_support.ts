/** A simulator that really runs the commands of the adapter, and what measures the files that they make. */

import assert from "node:assert/strict";
import type { RunState } from "../../../supabase/functions/_shared/providers/provider.ts";
import { createRendiAdapter } from "../../../supabase/functions/_shared/providers/rendi/rendi-adapter.ts";
import type { TemplateName } from "../../../supabase/functions/_shared/providers/rendi/rendi-commands.ts";
import { noTimeout } from "../../../supabase/functions/_shared/providers/test_support.ts";
import { type Ffmpeg, type FfmpegEngine, findFfmpeg, type Probe } from "../ffmpeg/engine.ts";
import { HEAVY_PACKAGES, packageFile } from "../ffmpeg/packages/package-file.ts";
import { type RendiSimulator, startRendiSimulator } from "./simulator.ts";

const TIMEOUT_SECONDS = 60;

/** What a file is; a sound has no frames. */
export interface Measures extends Probe {
  frames: number;
}

/** The pixels of a frame, three bytes each. */
export interface Picture {
  width: number;
  height: number;
  rgb: Uint8Array;
}

export class RealBench {
  readonly origin: string;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(private readonly engine: FfmpegEngine, private readonly simulator: RendiSimulator) {
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const file = this.#files.get(new URL(request.url).pathname.slice(1));
      return file === undefined ? new Response(null, { status: 404 }) : new Response(file);
    });
    this.origin = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  static async start(): Promise<RealBench> {
    const engine = await findFfmpeg();
    assert.ok(engine !== null, "this test needs ffmpeg, or npm to fetch @ffmpeg/core");
    const simulator = await startRendiSimulator({ queueMs: 0, runMs: 0, ffmpeg: () => Promise.resolve(engine) });
    return new RealBench(engine, simulator);
  }

  async stop(): Promise<void> {
    await this.simulator.stop();
    await this.engine.stop();
    await this.#server.shutdown();
  }

  /** Serves a file, and returns its address. */
  put(name: string, bytes: Uint8Array): string {
    this.#files.set(name, new Uint8Array(bytes));
    return `${this.origin}/${name}`;
  }

  /** Serves a file made of filter graphs or of files, which are addresses. */
  async source(sources: string[], name: string, options: string[] = ["-preset", "ultrafast"]): Promise<string> {
    const inputs: Record<string, Uint8Array> = {};
    for (const source of sources.filter((text) => text.startsWith("http"))) inputs[nameOf(source)] = await read(source);
    const made = await this.engine.run({
      arguments: [
        ...sources.flatMap((source) =>
          source.startsWith("http") ? ["-i", nameOf(source)] : ["-f", "lavfi", "-i", source]
        ),
        ...[...options, name],
      ],
      inputs,
      outputs: [name],
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    return this.put(name, made[name] ?? new Uint8Array());
  }

  /** Serves Noto Sans and Noto Sans JP. */
  async fonts(): Promise<string[]> {
    const { notoSans, notoSansJp } = HEAVY_PACKAGES;
    const fonts = [
      [notoSans, "@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf"],
      [notoSansJp, "@expo-google-fonts/noto-sans-jp/400Regular/NotoSansJP_400Regular.ttf"],
    ] as const;
    return await Promise.all(fonts.map(async ([heavy, file]) => {
      const path = await packageFile(heavy, file, () => {});
      assert.ok(path !== null, `this test needs npm to fetch ${file}`);
      return this.put(nameOf(`file:///${file}`), await Deno.readFile(path));
    }));
  }

  /** Sends a template's input as the adapter does, and returns the state in which the command has ended. */
  async run(model: TemplateName, input: Record<string, unknown>): Promise<RunState> {
    const rendi = createRendiAdapter({ key: this.simulator.key, baseUrl: this.simulator.baseUrl });
    const run = await rendi.submit({ model, input, startWithinSeconds: 60 }, noTimeout());
    for (;;) {
      await this.simulator.tick();
      const state = await rendi.check(run, noTimeout());
      if (state.state === "failed" || state.state === "succeeded") return state;
    }
  }

  async measure(url: string): Promise<Measures> {
    const probe = await this.engine.probe(await read(url));
    if (probe.width === 0) return { ...probe, frames: 0 };
    const toTiny = ["-vf", "scale=4:4", "-pix_fmt", "gray", "-f", "rawvideo"];
    const small = await convert(this.engine, await read(url), toTiny);
    return { ...probe, frames: small.length / 16 };
  }

  /** By the measure of EBU R 128, in LUFS. */
  async loudnessOf(url: string): Promise<number> {
    const print = "ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=result";
    const { result } = await this.engine.run({
      arguments: ["-i", "file", "-map", "0:a:0", "-af", print, "-f", "null", "-"],
      inputs: { file: await read(url) },
      outputs: ["result"],
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    return Number(new TextDecoder().decode(result).trim().split("=").at(-1));
  }

  async pictureAt(url: string, time: number): Promise<Picture> {
    return await pictureOf(this.engine, await read(url), time);
  }

  /** The strongest colour of the middle of a frame. */
  async colourAt(url: string, time: number): Promise<string> {
    const { width, height, rgb } = await this.pictureAt(url, time);
    const middle = 3 * (Math.floor(height / 2) * width + Math.floor(width / 2));
    const values = [...rgb.subarray(middle, middle + 3)];
    return ["red", "green", "blue"][values.indexOf(Math.max(...values))] ?? "none";
  }
}

/** The first frame of a film that is not before this time, in seconds. */
export async function pictureOf(ffmpeg: Ffmpeg, film: Uint8Array, time: number): Promise<Picture> {
  const { width, height } = await ffmpeg.probe(film);
  const options = ["-ss", time.toFixed(3), "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo"];
  return { width, height, rgb: await convert(ffmpeg, film, options) };
}

async function convert(ffmpeg: Ffmpeg, file: Uint8Array, options: string[]): Promise<Uint8Array> {
  const { result } = await ffmpeg.run({
    arguments: ["-i", "file", ...options, "result"],
    inputs: { file },
    outputs: ["result"],
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return result ?? new Uint8Array();
}

async function read(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return await response.bytes();
}

function nameOf(url: string): string {
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

/** Sides in pixels, the last ones included. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** More than what coding the same picture again changes. */
const VISIBLE = 48;

/** The smallest box around all that differs between two pictures of one size; null where nothing does. */
export function differingBox(first: Picture, second: Picture): Box | null {
  assert.deepEqual([first.width, first.height], [second.width, second.height]);
  const { width } = first;
  let box: Box | null = null;
  for (const [index, value] of first.rgb.entries()) {
    if (Math.abs(value - (second.rgb[index] ?? 0)) < VISIBLE) continue;
    const pixel = Math.floor(index / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    box ??= { left: x, top: y, right: x, bottom: y };
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.bottom = y;
  }
  return box;
}
