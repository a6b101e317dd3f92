import { body, createClient, Problem } from '@archibotchat/client';
import { describe, expect, test } from 'vitest';

/** A client whose server gives the answer, and what it was asked. */
function served(answer: () => Response | Promise<Response>) {
  const asked: Request[] = [];
  const seen: Problem[] = [];
  const client = createClient({
    baseUrl: 'https://chat.example.com',
    fetch: async (request) => {
      asked.push(request);
      return answer();
    },
    onProblem: (problem) => seen.push(problem),
  });
  return { client, asked, seen };
}

const document = {
  type: 'about:blank', title: 'Forbidden', status: 403, detail: 'A payment is under review.', code: 'payment_review', request_id: 'req_1',
  next_step: 'Contact support.', errors: [{ location: 'body.name', message: 'expected length <= 100' }],
};

async function thrown(call: Promise<unknown>): Promise<unknown> {
  return call.then(() => undefined, (error: unknown) => error);
}

describe('createClient', () => {
  test('gives the body', async () => {
    const { client } = served(() => Response.json({ data: [{ id: 'acme', name: 'Acme', sign_in_url: '/auth/acme/start' }] }));
    expect(await body(client.GET('/api/providers'))).toEqual({ data: [{ id: 'acme', name: 'Acme', sign_in_url: '/auth/acme/start' }] });
  });

  test('throws what the problem document says', async () => {
    const { client, seen } = served(() => Response.json(document, { status: 403, headers: { 'retry-after': '7' } }));
    const problem = await thrown(client.GET('/api/me'));
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({
      status: 403, code: 'payment_review', message: 'A payment is under review.', detail: 'A payment is under review.', next_step: 'Contact support.',
      request_id: 'req_1', param: 'body.name', retry_after: 7,
    });
    expect(seen).toEqual([problem]);
  });

  test.each(['<html>Bad gateway</html>', '', 'null', '[]', '{"code":7,"errors":"x"}'])('throws by the status where the answer is %j', async (text) => {
    const { client } = served(() => new Response(text, { status: 502, headers: { 'x-request-id': 'req_2' } }));
    expect(await thrown(client.GET('/api/me'))).toMatchObject({ status: 502, code: 'http_502', request_id: 'req_2', fields: [], param: '', retry_after: 0 });
  });

  test('throws a problem where no answer comes', async () => {
    const { client, seen } = served(() => Promise.reject(new TypeError('Failed to fetch')));
    expect(await thrown(client.GET('/api/me'))).toMatchObject({ status: 0, code: 'unreachable', request_id: '' });
    expect(seen).toHaveLength(1);
  });

  test('leaves alone who gave up', async () => {
    const { client, seen } = served(() => Promise.reject(new DOMException('gone', 'AbortError')));
    expect(await thrown(client.GET('/api/me'))).toMatchObject({ name: 'AbortError' });
    expect(seen).toHaveLength(0);
  });

  test('declares each POST as JSON', async () => {
    const { client, asked } = served(() => Response.json({}));
    await client.POST('/api/operator/access-requests/{id}/reopen', { params: { path: { id: 'areq_1' } } });
    await client.POST('/api/keys', { body: { name: 'x' } });
    expect(asked.map((request) => request.headers.get('content-type'))).toEqual(['application/json', 'application/json']);
  });
});
