/** One event of a server-sent stream. */
export interface StreamEvent {
  event: string;
  data: string;
  /** The last ID that was told, by this event or one before it. */
  id: string;
}

const maxLine = 4 << 20;

/**
 * Reads server-sent events (HTML Living Standard 9.2.6) from bytes that come in
 * pieces cut anywhere, also within a character or between CR and LF.
 */
export class EventReader {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private afterCR = false;
  private data: string[] = [];
  private event = '';
  private id = '';

  /** The events that the bytes completed. */
  push(bytes: Uint8Array): StreamEvent[] {
    const out: StreamEvent[] = [];
    let text = this.decoder.decode(bytes, { stream: true });
    if (this.afterCR && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1);
      this.afterCR = false;
    }
    if (text === '') return out;
    const all = this.rest + text;
    let from = 0;
    const breaks = /\r\n|\n|\r/g;
    breaks.lastIndex = this.rest.length;
    for (let m = breaks.exec(all); m; m = breaks.exec(all)) {
      this.line(all.slice(from, m.index), out);
      from = m.index + m[0].length;
    }
    // A CR at the very end may be half of a CRLF.
    if (from === all.length && all.endsWith('\r')) this.afterCR = true;
    this.rest = all.slice(from);
    if (this.rest.length > maxLine) throw new Error('a line of the stream is too long');
    return out;
  }

  private line(line: string, out: StreamEvent[]) {
    if (line === '') {
      if (this.data.length > 0) {
        out.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
      }
      this.data = [];
      this.event = '';
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
  }
}
