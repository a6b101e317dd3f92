// What stands in code is no mathematics: a fence or a span of backticks is
// matched first and left as it is.
const tokens =
  /(^[ \t]*(`{3,}|~{3,})[\s\S]*?(?:^[ \t]*\2[`~]*[ \t]*$|(?![\s\S])))|((`+)(?!`)[\s\S]*?[^`]\4(?!`))|(\\\[([\s\S]{1,2000}?)\\\])|(\\\(([^\n]{1,1000}?)\\\))|(\\\$)|^[ \t]*\$\$([^\n$]+)\$\$[ \t]*$|(\$\$[\s\S]{1,2000}?\$\$)|(\$(?![\s$])((?:\\.|[^\n$\\]){1,500}?)(?<![\s\\])\$(?!\d))/gm;

/** Whether a text may hold mathematics at all. */
export function mayHaveMath(text: string): boolean {
  return text.includes('$') || text.includes('\\(') || text.includes('\\[');
}

/**
 * Brings the ways in which models write mathematics into the one that the parser
 * is set to, which is two dollars. One dollar counts only where no space follows
 * it and no digit comes after its end, so that prices stay prices.
 */
export function mathDelimiters(text: string): string {
  if (!mayHaveMath(text) || text.length > 60_000) return text;
  return text.replace(tokens, (all: string, ...groups: (string | undefined)[]) => {
    const [fence, , code, , display, displayBody, inline, inlineBody, escaped, line, , single, singleBody] = groups;
    if (fence !== undefined || code !== undefined || escaped !== undefined) return all;
    if (display !== undefined && displayBody !== undefined) return fenced(displayBody);
    if (line !== undefined) return fenced(line);
    if (inline !== undefined && inlineBody !== undefined) return `$$${inlineBody.trim()}$$`;
    if (single !== undefined && singleBody !== undefined) return `$$${singleBody}$$`;
    return all;
  });
}

function fenced(body: string): string {
  return `\n$$\n${body.trim()}\n$$\n`;
}
