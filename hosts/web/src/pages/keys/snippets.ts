// How to use a new key, in the tools that people have: each snippet works as it
// stands once it is pasted. The token is in it only while it is shown.

export type SnippetID = 'curl' | 'python' | 'node' | 'go' | 'env';

export interface Snippet {
  id: SnippetID;
  /** What it is called in any language. */
  label: string;
  text: string;
}

export interface SnippetInput {
  /** Scheme and host of this site, such as https://chat.example.com. */
  origin: string;
  /** The whole key, or a stand-in once it is not shown any more. */
  token: string;
  model: string;
}

/** What stands for a key that is not shown any more. */
export const placeholder = 'abk_…';

/** baseURL returns where OpenAI's clients find the API of a site. */
export function baseURL(origin: string): string {
  return `${origin.replace(/\/+$/, '')}/v1`;
}

/** snippets returns one for each tool, in the order to show them. */
export function snippets({ origin, token, model }: SnippetInput): Snippet[] {
  const base = baseURL(origin);
  const s = JSON.stringify; // a string of JSON is one of Python, JavaScript and Go too
  return [
    {
      id: 'curl',
      label: 'curl',
      text: `curl ${shell(`${base}/chat/completions`)} \\
  -H ${shell(`Authorization: Bearer ${token}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${shell(s({ model, messages: [{ role: "user", content: "Hello" }] }))}`,
    },
    {
      id: 'python',
      label: 'Python',
      text: `# pip install openai
from openai import OpenAI

client = OpenAI(base_url=${s(base)}, api_key=${s(token)})
answer = client.chat.completions.create(
    model=${s(model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      id: 'node',
      label: 'Node.js',
      text: `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${s(base)}, apiKey: ${s(token)} });
const answer = await client.chat.completions.create({
  model: ${s(model)},
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`,
    },
    {
      id: 'go',
      label: 'Go',
      text: `// go get github.com/openai/openai-go/v3
package main

import (
	"context"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	client := openai.NewClient(option.WithBaseURL(${s(base)}), option.WithAPIKey(${s(token)}))
	answer, err := client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{
		Model:    ${s(model)},
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Choices[0].Message.Content)
}`,
    },
    {
      id: 'env',
      label: '.env',
      text: `export OPENAI_BASE_URL=${shell(base)}
export OPENAI_API_KEY=${shell(token)}`,
    },
  ];
}

/** shell quotes a word, so that a shell takes it as it is. */
function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll('\'', `'\\''`)}'`;
}
