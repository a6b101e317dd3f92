/** Failures as the service tells them: problem documents (RFC 9457). */

export interface ProblemField {
  location: string;
  message: string;
}

/** The document, with the names it has on the wire. */
export interface ProblemDocument {
  status: number;
  code: string;
  detail: string;
  next_step?: string;
  request_id: string;
  errors?: ProblemField[];
}

export class Problem extends Error {
  readonly status: number;
  /** A stable machine code. */
  readonly code: string;
  /** What happened, in plain words. The same as message. */
  readonly detail: string;
  /** What the person can do about it; empty if there is nothing to say. */
  readonly next_step: string;
  /** Empty where no answer came. */
  readonly request_id: string;
  /** The first input at fault, such as body.name; empty if none is. */
  readonly param: string;
  readonly fields: readonly ProblemField[];
  /** How long to wait before the next try, in seconds; 0 if nothing was said. */
  readonly retry_after: number;

  constructor(document: ProblemDocument, retryAfter = 0) {
    super(document.detail);
    this.name = 'Problem';
    this.status = document.status;
    this.code = document.code;
    this.detail = document.detail;
    this.next_step = document.next_step ?? '';
    this.request_id = document.request_id;
    this.fields = document.errors ?? [];
    this.param = this.fields[0]?.location ?? '';
    this.retry_after = retryAfter;
  }

  /** Reads the problem of an answer; one that is no problem document is told by its status. */
  static async of(response: Response): Promise<Problem> {
    const wait = Number(response.headers.get('retry-after') ?? 0);
    const given: unknown = await response.json().catch(() => null);
    const document = given !== null && typeof given === 'object' ? (given as Partial<ProblemDocument>) : {};
    return new Problem(
      {
        status: response.status,
        code: text(document.code) || `http_${response.status}`,
        detail: text(document.detail) || `The server answered with ${response.status}.`,
        next_step: text(document.next_step),
        request_id: text(document.request_id) || (response.headers.get('x-request-id') ?? ''),
        errors: Array.isArray(document.errors) ? document.errors : [],
      },
      Number.isFinite(wait) ? wait : 0,
    );
  }

  /** What to throw where no answer came at all. */
  static unreachable(cause: unknown): Problem {
    const problem = new Problem({ status: 0, code: 'unreachable', detail: 'The server could not be reached.', request_id: '' });
    problem.cause = cause;
    return problem;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
