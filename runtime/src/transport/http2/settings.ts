import type { Socket } from "node:net";
import { receivedFrameBytes } from "./frame-rules.js";
import {
  ConnectionError,
  defaultMaxFrameBytes,
  defaultWindowBytes,
  ErrorCode,
  Flag,
  FrameType,
  largestWindowBytes,
  Setting,
} from "./frames.js";
import { HpackEncoder } from "./hpack/encoder.js";
import { Link, type LinkOptions } from "./link.js";

/** What we put into one frame at most, so that streams take turns. */
const sentFrameBytes = 128 * 1024;

/** More streams than there are numbers for. */
const unlimitedStreams = 2 ** 31 - 1;

/** Milliseconds in which a peer has to acknowledge SETTINGS. */
const settingsMs = 20_000;

type SettingPair = readonly [setting: number, value: number];

/** The SETTINGS of both ends (RFC 9113, section 6.5): what the peer has said, and what it has yet to acknowledge. */
export abstract class SettledLink extends Link {
  readonly encoder: HpackEncoder = new HpackEncoder();
  /** What we put into one frame. */
  maxFrameBytes: number = defaultMaxFrameBytes;
  /** The longest header list that the peer takes. */
  peerMaxListBytes: number = Number.POSITIVE_INFINITY;
  protected peerMaxStreams: number = unlimitedStreams;
  /** What a new stream may send. */
  protected peerStreamWindow: number = defaultWindowBytes;
  readonly #isServer: boolean;
  /** SETTINGS that the peer has yet to acknowledge, in their order: the window that they announce, if any. */
  #sent: (number | undefined)[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: LinkOptions) {
    super(socket, options);
    this.#isServer = options.preface !== undefined;
  }

  /** The windows of all streams, for what is sent on them, are larger by so much, or smaller. */
  protected abstract onWindowMoved(bytes: number): void;
  /** The peer knows of the window that was announced. */
  protected abstract onWindowAcknowledged(bytes: number): void;
  /** What the peer has said is in force: the first time, or again. */
  protected abstract onSettings(): void;

  // ── Ours ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The first SETTINGS. */
  protected open(settings: readonly SettingPair[]): void {
    this.#announce([...settings, [Setting.maxFrameSize, receivedFrameBytes]]);
  }

  announceWindow(bytes: number): void {
    this.#announce([[Setting.initialWindowSize, bytes]], bytes);
  }

  /** Another value than was announced first. */
  protected announce(setting: number, value: number): void {
    this.#announce([[setting, value]]);
  }

  #announce(settings: readonly SettingPair[], windowBytes?: number): void {
    this.output.frame(settings.length * 6, FrameType.settings, 0, 0);
    for (const [setting, value] of settings) {
      this.output.end = this.output.buffer.writeUInt16BE(setting, this.output.end);
      this.output.uint32(value);
    }
    this.#sent ??= [];
    this.#sent.push(windowBytes);
    this.#timer ??= setTimeout(() => {
      this.fail(ErrorCode.settingsTimeout, `SETTINGS were not acknowledged within ${settingsMs} ms`);
    }, settingsMs).unref();
  }

  protected onSettingsAcknowledged(): void {
    const sent = this.#sent;
    if (sent === undefined) throw new ConnectionError(ErrorCode.protocolError, "an acknowledgement of no SETTINGS");
    const windowBytes = sent.shift();
    if (windowBytes !== undefined) this.onWindowAcknowledged(windowBytes);
    // With the window, another may have been announced.
    if (sent.length > 0) {
      this.#timer?.refresh();
    } else {
      this.#sent = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  protected override stop(): void {
    super.stop();
    clearTimeout(this.#timer);
  }

  // ── The peer's ────────────────────────────────────────────────────────────────────────────────────────────────────

  protected onSetting(setting: number, value: number): void {
    switch (setting) {
      case Setting.headerTableSize:
        this.encoder.setPeerTableBytes(value);
        return;
      case Setting.enablePush:
        if (value > (this.#isServer ? 1 : 0)) {
          throw new ConnectionError(ErrorCode.protocolError, `SETTINGS_ENABLE_PUSH of ${value}`);
        }
        return;
      case Setting.maxConcurrentStreams:
        this.peerMaxStreams = Math.min(value, unlimitedStreams);
        return;
      case Setting.initialWindowSize: {
        if (value > largestWindowBytes) {
          throw new ConnectionError(ErrorCode.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1");
        }
        const change = value - this.peerStreamWindow;
        this.peerStreamWindow = value;
        this.onWindowMoved(change);
        return;
      }
      case Setting.maxFrameSize:
        if (value < defaultMaxFrameBytes || value > 2 ** 24 - 1) {
          throw new ConnectionError(ErrorCode.protocolError, "SETTINGS_MAX_FRAME_SIZE out of its bounds");
        }
        this.maxFrameBytes = Math.min(value, sentFrameBytes);
        return;
      case Setting.maxHeaderListSize:
        this.peerMaxListBytes = value;
    }
  }

  protected onAllSettings(): void {
    this.output.frame(0, FrameType.settings, Flag.ack, 0);
    this.serve();
    this.onSettings();
  }
}
