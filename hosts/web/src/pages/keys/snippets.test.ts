import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { baseURL, snippets, type SnippetID } from './snippets';

const input = { origin: 'https://chat.example.com', token: 'abk_4fT9x7Qa', model: 'demo-small' };
const text = (id: SnippetID, change: Partial<typeof input> = {}) =>
  snippets({ ...input, ...change }).find((s) => s.id === id)?.text ?? '';

/** words runs a shell that prints what it takes the words of a command for. */
function words(command: string): string[] {
  const script = `curl() { for w in "$@"; do printf '%s\\0' "$w"; done; }\n${command}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('snippets', () => {
  it('names the site, the key and the model in each', () => {
    for (const s of snippets(input)) {
      expect(s.text, s.id).toContain('https://chat.example.com/v1');
      expect(s.text, s.id).toContain('abk_4fT9x7Qa');
      if (s.id !== 'env') expect(s.text, s.id).toContain('demo-small');
    }
  });

  it('survives a shell, whatever the model is called', () => {
    for (const model of ['demo-small', "o'neil", 'quoted"name', 'back\\slash', '$(touch x)', 'a `b` c']) {
      const got = words(text('curl', { model }));
      expect(got[0]).toBe('https://chat.example.com/v1/chat/completions');
      expect(got).toContain('Authorization: Bearer abk_4fT9x7Qa');
      expect(JSON.parse(got.at(-1) ?? '')).toEqual({ model, messages: [{ role: 'user', content: 'Hello' }] });
    }
  });

  it("sets what OpenAI's clients read", () => {
    const out = execFileSync('sh', ['-c', `${text('env')}\nprintf '%s %s' "$OPENAI_BASE_URL" "$OPENAI_API_KEY"`], { encoding: 'utf8' });
    expect(out).toBe('https://chat.example.com/v1 abk_4fT9x7Qa');
  });

  it('is JavaScript that can be read', () => {
    const module = text('node', { model: 'x"; process.exit(1); "' });
    execFileSync('node', ['--check', '--input-type=module', '-'], { input: module });
  });

  it('joins a base without a double slash', () => {
    expect(baseURL('http://127.0.0.1:8080/')).toBe("http://127.0.0.1:8080/v1");
  });
});
