import { renderToStaticMarkup } from 'react-dom/server';
import { beforeAll, describe, expect, test } from 'vitest';
import { TooltipProvider } from '@/ui/Tooltip';
import { Markdown } from './Markdown';
import { want } from './plugins';

const draw = (text: string) =>
  renderToStaticMarkup(
    <TooltipProvider>
      <Markdown text={text} />
    </TooltipProvider>,
  );

beforeAll(async () => {
  want('math');
  want('code');
  await Promise.all([import('remark-math'), import('./rehypeMath'), import('rehype-highlight')]);
  await new Promise((r) => setTimeout(r, 50));
});

// Elements that an answer may consist of; anything else is a way in.
const allowed = new Set(
  (
    'div p span a h3 h4 h5 h6 ul ol li blockquote pre code em strong del br hr table thead tbody tr th td sup section button svg path rect ' +
    'math semantics mrow mi mo mn msup msub mfrac msqrt mtext mspace mstyle annotation mover munder munderover msubsup mtable mtr mtd mpadded merror menclose mroot mphantom'
  ).split(' '),
);

const hostile: Record<string, string> = {
  script: '<script>alert(1)</script>\n\nx <script src=//evil.example/x.js></script>',
  iframe: '<iframe src="https://evil.example"></iframe>',
  handler: '<img src=x onerror=alert(1)> <b onclick="alert(1)">b</b>',
  svg: '<svg onload=alert(1)><script>alert(1)</script></svg>',
  style: '<style>@import url(//evil.example)</style><link rel=stylesheet href=//evil.example>',
  form: '<form action=//evil.example><input name=a><button>go</button></form>',
  meta: '<meta http-equiv=refresh content="0;url=//evil.example"><base href=//evil.example>',
  comment: '<!-- a --> b <!--\n\n<script>alert(1)</script>\n\n-->',
  cdata: '<![CDATA[<script>alert(1)</script>]]> <?php echo 1 ?>',
  javascript: '[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](java\nscript:alert(1)) [d](&#106;avascript:alert(1)) <javascript:alert(1)>',
  data: '[a](data:text/html,<script>alert(1)</script>) ![b](data:image/svg+xml;base64,PHN2Zz4=)',
  vbscript: '[a](vbscript:x) [b](file:///etc/passwd) [c](blob:https://x/y) [d](//evil.example) [e](/keys) [f](?q) [g](#top)',
  reference: '[a][1] ![b][1]\n\n[1]: javascript:alert(1) "t"',
  image: '![track](https://evil.example/pixel.png?u=1)',
  attribute: '[a](https://x.example/"onmouseover="alert(1)) ![b](https://x.example/"onerror="alert(1))',
  mermaid: '```mermaid\ngraph TD; A["<img src=x onerror=alert(1)>"]-->B\nclick A "javascript:alert(1)"\n```',
  html_fence: '```html\n<script>alert(1)</script>\n```',
  fence_info: '```js" onload="alert(1)\nx\n```\n\n```<script>\ny\n```',
  unclosed: '```\n<script>alert(1)</script>\n\n**x',
  math: '$$\\href{javascript:alert(1)}{x}$$ $\\url{javascript:alert(1)}$ \\(\\includegraphics{https://evil.example/x.png}\\) $\\htmlStyle{color:red;background:url(//evil.example)}{x}$ $\\def\\a{\\a\\a}\\a$',
  mathml: '<math><maction actiontype="statusline" xlink:href="javascript:alert(1)">x</maction></math>',
  footnote: 'a[^x]\n\n[^x]: <script>alert(1)</script> [b](javascript:alert(1))',
  table: '|a|b|\n|-|-|\n|<script>alert(1)</script>|[x](javascript:alert(1))|',
  task: '- [x] <input onfocus=alert(1) autofocus>\n- [ ] open',
  bidi: '[https://good.example\u202e](https://evil.example)',
  entities: '&lt;script&gt;alert(1)&lt;/script&gt; &#x3c;script&#x3e;',
  autolink: 'www.x.example https://x.example/a?b=<script> mailto:a@b.example a@b.example',
};

describe('Markdown', () => {
  test.each(Object.entries(hostile))('hostile %s does nothing', (_, text) => {
    const html = draw(text);
    for (const [, name] of html.matchAll(/<([a-zA-Z][\w-]*)/g)) expect(allowed.has(name?.toLowerCase() ?? ''), `<${name}>`).toBe(true);
    for (const [tag] of html.matchAll(/<[a-zA-Z][^>]*>/g)) {
      expect(tag).not.toMatch(/\son\w+=/i);
      expect(tag).not.toMatch(/\s(?:src|srcset|action|formaction|xlink:href|id|name|background|poster)=/i);
      const href = /\shref="([^"]*)"/.exec(tag)?.[1];
      if (href !== undefined) {
        expect(href).toMatch(/^(?:https?:\/\/|mailto:)/);
        expect(tag).toContain('rel="noopener noreferrer nofollow"');
        expect(tag).toContain('target="_blank"');
      }
    }
  });

  test('HTML is shown as text', () => {
    expect(draw('a <b>c</b>')).toContain('&lt;b&gt;c&lt;/b&gt;');
  });

  test('an image is a link that names its address', () => {
    expect(draw('![map](https://x.example/m.png)')).toContain('map (https://x.example/m.png)</a>');
  });

  test('code is highlighted by classes alone', () => {
    const html = draw('```js\nconst a = "b"\n```');
    expect(html).toContain('hljs-keyword');
    expect(html).not.toContain('style=');
  });

  test('mathematics is MathML', () => {
    expect(draw('so \\(x^2\\)')).toContain('<msup>');
    expect(draw('it costs $5 and $10')).toContain('$5 and $10');
  });

  test('broken and endless text is drawn in good time', () => {
    const cases = ['**', '[', '![](', '<', '`', '> ', '- ', '| a ', '$$', '~~~\n', '&', '_a ', '[a](', '*a **a ', '\\', 'a@', '<!--', '[^a', '\t'];
    for (const c of cases) {
      const at = performance.now();
      draw(c.repeat(9_000 / c.length));
      expect(performance.now() - at, JSON.stringify(c)).toBeLessThan(3_000);
    }
    const at = performance.now();
    draw(`x\n\n${'[<*_`$'.repeat(180_000)}`);
    expect(performance.now() - at).toBeLessThan(1_000);
  }, 60_000);
});
