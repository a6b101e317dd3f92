// The official OpenAI SDK for Node against the server. The Go test beside this
// folder starts the server, sets the variables below, and afterwards looks the
// requests in E2E_TRACES up in Activity.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import OpenAI from 'openai';

const { E2E_BASE_URL, E2E_KEYS, E2E_TRACES } = process.env;
const keys = JSON.parse(E2E_KEYS);
const cases = JSON.parse(readFileSync(new URL('../cases.json', import.meta.url)));

const prompt = 'Say a few words.';
const maxOutput = 4096;
const text = 'word0 word1 word2 word3 ';
const model = 'tok-in120-out80-cached10-chunks4';

/** client returns the SDK with a look at each response's head. */
function client(role, options = {}) {
  const heads = [];
  const sdk = new OpenAI({
    apiKey: keys[role],
    baseURL: E2E_BASE_URL,
    maxRetries: 0,
    fetch: async (...args) => {
      const response = await fetch(...args);
      heads.push(response.headers);
      return response;
    },
    ...options,
  });
  return { sdk, heads };
}

function trace(key, request, event, reason) {
  appendFileSync(E2E_TRACES, JSON.stringify({ key, request, event, reason }) + '\n');
}

/** The ways to ask. Each returns the whole text, or throws the SDK's error. */
const shapes = {
  async chat(sdk, model) {
    const answer = await sdk.chat.completions.create({
      model,
      max_tokens: maxOutput,
      messages: [{ role: 'user', content: prompt }],
    });
    assert.equal(answer.usage.total_tokens, 200);
    return answer.choices[0].message.content;
  },
  async chatStream(sdk, model, seen = {}) {
    const stream = await sdk.chat.completions.create({
      model,
      stream: true,
      max_tokens: maxOutput,
      messages: [{ role: 'user', content: prompt }],
    });
    seen.text = '';
    for await (const chunk of stream) {
      assert.equal(chunk.usage ?? null, null, 'who did not ask for usage sees none');
      seen.text += chunk.choices[0].delta.content ?? '';
    }
    return seen.text;
  },
  async chatStreamWithUsage(sdk, model, seen = {}) {
    const stream = await sdk.chat.completions.create({
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: maxOutput,
      messages: [{ role: 'user', content: prompt }],
    });
    seen.text = '';
    let usage;
    for await (const chunk of stream) {
      seen.text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(usage.total_tokens, 200);
    return seen.text;
  },
  async responses(sdk, model) {
    const answer = await sdk.responses.create({ model, input: prompt, max_output_tokens: maxOutput });
    assert.equal(answer.usage.total_tokens, 200);
    return answer.output_text;
  },
  async responsesStream(sdk, model, seen = {}) {
    const stream = await sdk.responses.create({ model, input: prompt, max_output_tokens: maxOutput, stream: true });
    seen.text = '';
    let last;
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') seen.text += event.delta;
      last = event;
    }
    assert.equal(last.type, 'response.completed');
    assert.equal(last.response.usage.total_tokens, 200);
    return seen.text;
  },
};
const streams = ['chatStream', 'chatStreamWithUsage', 'responsesStream'];

/** failureOf awaits a call that must fail and returns its error. */
async function failureOf(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return assert.fail('the call succeeded');
}

for (const [name, ask] of Object.entries(shapes)) {
  test(`answers: ${name}`, async () => {
    const { sdk, heads } = client('good');
    assert.equal(await ask(sdk, model), text);
    assert.equal(heads.length, 1);
    if (!streams.includes(name)) {
      assert.match(heads[0].get('x-archibot-credits-debited'), /^\d+$/);
      assert.match(heads[0].get('x-archibot-credits-remaining'), /^\d+$/);
    }
    trace('good', heads[0].get('x-request-id'), 'usage.debited');
  });
}

test('the SDK gives the request ID with the answer', async () => {
  const { sdk, heads } = client('good');
  const answer = await sdk.chat.completions.create({ model, messages: [{ role: 'user', content: prompt }] });
  assert.equal(answer._request_id, heads[0].get('x-request-id'));
});

test('models: list and get', async () => {
  const { sdk } = client('good');
  const ids = [];
  for await (const m of sdk.models.list()) ids.push(m.id);
  assert.deepEqual(ids, ['test']);
  assert.equal((await sdk.models.retrieve('test')).id, 'test');
  assert.ok((await failureOf(sdk.models.retrieve('test-large'))) instanceof OpenAI.NotFoundError);
});

test('responses: the life of a stored one', async () => {
  const { sdk, heads } = client('good');
  const other = client('other').sdk;
  const input = ['First.', 'Second.', 'Third.'].map((content) => ({ role: 'user', content }));
  const first = await sdk.responses.create({ model, input, max_output_tokens: maxOutput });
  const got = await sdk.responses.retrieve(first.id, { include: ['message.output_text.logprobs'] });
  assert.equal(got.output_text, text);

  let texts = '';
  for await (const item of sdk.responses.inputItems.list(first.id, { limit: 2, order: 'asc' })) texts += item.content[0]?.text ?? item.content;
  assert.equal(texts, 'First.Second.Third.');

  const second = await sdk.responses.create({ model, input, max_output_tokens: maxOutput, previous_response_id: first.id });
  assert.equal(second.previous_response_id, first.id);
  trace('good', heads.at(-1).get('x-request-id'), 'usage.debited');
  assert.equal((await sdk.responses.cancel(second.id)).status, 'cancelled');

  const foreign = [
    () => other.responses.retrieve(first.id),
    () => other.responses.inputItems.list(first.id),
    () => other.responses.cancel(first.id),
    () => other.responses.delete(first.id),
    () => other.responses.create({ model, input, previous_response_id: first.id }),
    () => other.responses.retrieve('resp_unknown'),
  ];
  for (const call of foreign) {
    const error = await failureOf(call());
    assert.ok(error instanceof OpenAI.NotFoundError, `${error}`);
    assert.equal(error.code, 'not_found');
    assert.equal(error.message, '404 There is no such object.');
    assert.ok(error.requestID);
  }

  await sdk.responses.delete(first.id);
  trace('good', heads.at(-1).get('x-request-id'), 'response.deleted');
  assert.ok((await failureOf(sdk.responses.retrieve(first.id))) instanceof OpenAI.NotFoundError);
  assert.ok((await failureOf(sdk.responses.retrieve(second.id, { stream: true }))) instanceof OpenAI.BadRequestError);
});

for (const c of cases) {
  test(`refusals: ${c.name}`, async () => {
    let first = true;
    for (const [name, ask] of Object.entries(shapes)) {
      const { sdk } = client(c.key);
      const error = await failureOf(ask(sdk, c.model));
      assert.ok(error instanceof OpenAI[c.class], `${name}: ${error}`);
      assert.equal(error.status, c.status, name);
      if (c.code !== null) assert.equal(error.code, c.code, name);
      assert.ok(error.requestID, name);
      for (const [header, value] of Object.entries(c.header ?? {})) {
        assert.equal(error.headers.get(header), value, `${header} of ${name}`);
      }
      // Refusals alike are folded into the first one's event; a release is not.
      if (first || c.event === 'usage.released') trace(c.key, error.requestID, c.event, c.reason);
      first = false;
    }
  });
}

test('no credits: the SDK does not try again', async () => {
  const { sdk, heads } = client('broke', { maxRetries: 2 });
  assert.ok((await failureOf(shapes.chat(sdk, 'req'))) instanceof OpenAI.RateLimitError);
  assert.equal(heads.length, 1);
});

test('no budget: the SDK does not try again', async () => {
  const { sdk, heads } = client('budget', { maxRetries: 2 });
  assert.ok((await failureOf(shapes.chat(sdk, 'req'))) instanceof OpenAI.RateLimitError);
  assert.equal(heads.length, 1);
});

test('a rate: the SDK waits, and gets in', async () => {
  const { sdk, heads } = client('rated', { maxRetries: 2 });
  for (let i = 0; heads.length === i; i++) {
    assert.ok(i < 200, 'the rate was never reached');
    assert.equal(await shapes.chat(sdk, model), text);
  }
  const refused = heads.at(-2);
  assert.equal(refused.get('x-ratelimit-limit-requests'), '20');
  assert.equal(refused.get('x-ratelimit-remaining-requests'), '0');
  assert.match(refused.get('retry-after'), /^[123]$/);
  trace('rated', refused.get('x-request-id'), 'gate.denied', 'rate_limited');
});

for (const name of streams) {
  for (const how of ['tok-gap20-cut', 'tok-gap20-reset', 'tok-gap20-nodone']) {
    test(`a cut is an error: ${name} ${how}`, async () => {
      const { sdk, heads } = client('good');
      const seen = {};
      const error = await failureOf(shapes[name](sdk, how, seen));
      assert.ok(error instanceof OpenAI.APIError, `${error}`);
      assert.notEqual(seen.text, '', 'what came before the cut is delivered');
      trace('good', heads[0].get('x-request-id'), 'usage.debited');
    });
  }
}

for (const [name, ask] of Object.entries(shapes)) {
  test(`an Idempotency-Key: ${name} loses its answer and gets it again`, async () => {
    let calls = 0;
    let lost;
    let head;
    const { sdk } = client('good', {
      maxRetries: 2,
      defaultHeaders: { 'Idempotency-Key': `node-${name}` },
      fetch: async (url, init) => {
        calls += 1;
        assert.equal(new Headers(init.headers).get('idempotency-key'), `node-${name}`);
        const response = await fetch(url, init);
        if (calls === 1) {
          await response.text();
          lost = response.headers;
          throw new TypeError('connection reset by peer');
        }
        head = response.headers;
        return response;
      },
    });
    assert.equal(await ask(sdk, `${model}-node-once`), text);
    assert.equal(calls, 2);
    assert.equal(lost.get('idempotency-replayed'), null);
    assert.equal(head.get('idempotency-replayed'), 'true');
    assert.equal(head.get('x-archibot-original-request-id'), lost.get('x-request-id'));
    trace('good', lost.get('x-request-id'), 'usage.debited');

    const other = client('good', { defaultHeaders: { 'Idempotency-Key': `node-${name}` } });
    const error = await failureOf(ask(other.sdk, `${model}-node-other`));
    assert.ok(error instanceof OpenAI.UnprocessableEntityError, `${error}`);
    assert.equal(error.code, 'idempotency_key_reused');
  });
}

test('an Idempotency-Key: the SDK waits for a first one in progress', async () => {
  const named = { maxRetries: 10, defaultHeaders: { 'Idempotency-Key': 'node-wait' } };
  const [first, second] = [client('good', named), client('good', named)];
  const answers = await Promise.all([first, second].map(({ sdk }) => shapes.chatStream(sdk, `${model}-gap500`)));
  assert.deepEqual(answers, [text, text]);
  const heads = [...first.heads, ...second.heads];
  assert.equal(heads.filter((h) => h.get('content-type').startsWith('text/event-stream') && !h.get('idempotency-replayed')).length, 1, 'one was run');
  assert.ok(heads.some((h) => h.get('retry-after') !== null), 'the other was told to wait');

  const error = await failureOf(
    (async () => {
      const busy = { defaultHeaders: { 'Idempotency-Key': 'node-busy' } };
      const asks = [client('good', busy), client('good', busy)].map(({ sdk }) => shapes.chatStream(sdk, `${model}-gap501`));
      const ends = await Promise.allSettled(asks);
      throw ends.find((e) => e.status === 'rejected').reason;
    })(),
  );
  assert.ok(error instanceof OpenAI.ConflictError, `${error}`);
  assert.equal(error.code, 'idempotency_in_progress');
});

test('the SDK sends no Idempotency-Key by itself', async () => {
  const { sdk } = client('good', {
    fetch: async (url, init) => {
      assert.equal(new Headers(init.headers).get('idempotency-key'), null);
      return fetch(url, init);
    },
  });
  for (const ask of Object.values(shapes)) assert.equal(await ask(sdk, model), text);
});
