// The official OpenAI SDK for Node, with its retries on, asks in every shape
// while the database of the server goes away. The Go test beside this folder
// does that, and reads what became of each call from the lines written here.
import OpenAI from 'openai';

const { E2E_BASE_URL, E2E_KEY, E2E_JSON_MODEL, E2E_STREAM_MODEL } = process.env;

const ask = { messages: [{ role: 'user', content: 'Say a few words.' }], max_tokens: 4096 };
const input = { input: 'Say a few words.', max_output_tokens: 4096 };

const shapes = {
  chat: (sdk) => sdk.chat.completions.create({ model: E2E_JSON_MODEL, ...ask }),
  responses: (sdk) => sdk.responses.create({ model: E2E_JSON_MODEL, ...input }),
  chat_stream: (sdk) => sdk.chat.completions.create({ model: E2E_STREAM_MODEL, ...ask, stream: true }),
  responses_stream: (sdk) => sdk.responses.create({ model: E2E_STREAM_MODEL, ...input, stream: true }),
};

await Promise.all(
  Object.entries(shapes).map(async ([shape, create]) => {
    const seen = { shape, calls: 0, text: '', request: '', status: 0, code: '', retry: '', failed: false, ended: false };
    const sdk = new OpenAI({
      apiKey: E2E_KEY,
      baseURL: E2E_BASE_URL,
      maxRetries: 2,
      fetch: async (...args) => {
        seen.calls++;
        const response = await fetch(...args);
        seen.request = response.headers.get('x-request-id');
        seen.retry = response.headers.get('x-should-retry') ?? '';
        return response;
      },
    });
    try {
      const answer = await create(sdk);
      if (shape.endsWith('_stream')) {
        for await (const part of answer) {
          seen.text += part.choices?.[0]?.delta.content ?? (part.type === 'response.output_text.delta' ? part.delta : '');
          if (part.type === 'response.completed') seen.ended = true;
        }
      }
      seen.ended = true;
    } catch (error) {
      seen.failed = error instanceof OpenAI.APIError;
      seen.status = error.status ?? 0;
      seen.code = error.code ?? `${error}`;
    }
    console.log(JSON.stringify(seen));
  }),
);
