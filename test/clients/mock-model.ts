// Two stand-ins for a model, on loopback: the Responses API that Codex speaks and the Messages API that Claude Code
// speaks, both as server-sent events. A script says what the model "wants", turn by turn; every request is kept, since
// what a client sends to the model is exactly what must hold no value.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** What the model says in one turn: text, or calls of tools. `${ID}` in an argument is the text call ID gave back. */
export type Turn = string | readonly ToolCall[];

export type ToolCall =
  | { readonly id: string; readonly tool: string; readonly args: Record<string, unknown> }
  /** Codex's Code Mode: JavaScript that calls tools. */
  | { readonly id: string; readonly code: string };

export interface MockModel extends AsyncDisposable {
  readonly url: string;
  /** The bodies of all requests, as text, in order. */
  readonly requests: readonly string[];
  /** Call id → what the client handed back for it. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly turnsLeft: number;
}

type Api = 'responses' | 'messages';
type Body = Record<string, unknown>;

/** `namespace` is how this client names the tools of an MCP server. */
export async function startMockModel(api: Api, turns: readonly Turn[]): Promise<MockModel> {
  const requests: string[] = [];
  const outputs = new Map<string, string>();
  const left = [...turns];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await bodyOf(request);
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (request.method === 'POST') requests.push(text);
    if (request.method !== 'POST' || !path.endsWith(`/${api}`)) {
      response.writeHead(path.endsWith('/models') ? 200 : 404, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          path.endsWith('/models') ? { object: 'list', data: [], models: [] } : { error: { message: 'mock' } },
        ),
      );
      return;
    }
    const body = JSON.parse(text) as Body;
    for (const [id, output] of api === 'responses' ? responseOutputs(body) : messageOutputs(body))
      outputs.set(id, output);
    // Clients also ask for titles and the like, with no tools; that takes no turn.
    const isTurn = hasTools(body);
    const turn = filled(isTurn ? (left.shift() ?? 'That is all.') : 'ok', outputs);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const send = (event: Body & { type: string }): void => {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    };
    if (api === 'responses') sendResponse(send, turn, requests.length, body['model']);
    else sendMessage(send, turn, requests.length, body['model']);
    response.end();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    outputs,
    get turnsLeft() {
      return left.length;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'];
  if (encoding === 'gzip') return gunzipSync(bytes).toString('utf8');
  return (encoding === 'zstd' ? zstdDecompressSync(bytes) : bytes).toString('utf8');
}

function hasTools(body: Body): boolean {
  const input = Array.isArray(body['input']) ? (body['input'] as Body[]) : [];
  return (
    (Array.isArray(body['tools']) && body['tools'].length > 0) || input.some(({ type }) => type === 'additional_tools')
  );
}

function filled(turn: Turn, outputs: ReadonlyMap<string, string>): Turn {
  const text = JSON.stringify(turn).replace(/\$\{(\w+):(\w+)\}/g, (all, id: string, member: string) => {
    // The member of the JSON text a call gave back, e.g. ${env:environmentId}.
    const found = new RegExp(`\\\\?"${member}\\\\?":\\s*\\\\?"([^"\\\\]+)`).exec(outputs.get(id) ?? '');
    return found?.[1] ?? all;
  });
  return JSON.parse(text) as Turn;
}

// --- Responses API ----------------------------------------------------------------------------------------------------

function* responseOutputs(body: Body): Iterable<[string, string]> {
  const input = Array.isArray(body['input']) ? (body['input'] as Body[]) : [];
  for (const { type, call_id: id, output } of input) {
    if (typeof type === 'string' && type.endsWith('_output') && typeof id === 'string') yield [id, textOf(output)];
  }
}

function sendResponse(send: (event: Body & { type: string }) => void, turn: Turn, n: number, model: unknown): void {
  const response = { id: `resp_${n}`, object: 'response', status: 'in_progress', model, output: [] as unknown[] };
  const items = typeof turn === 'string' ? [textItem(turn, n)] : turn.map((call, i) => callItem(call, n, i));
  send({ type: 'response.created', response });
  for (const [index, item] of items.entries()) {
    send({ type: 'response.output_item.added', output_index: index, item });
    send({ type: 'response.output_item.done', output_index: index, item });
  }
  const usage = {
    input_tokens: 1,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 1,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 2,
  };
  send({ type: 'response.completed', response: { ...response, status: 'completed', output: items, usage } });
}

function textItem(text: string, n: number): Body {
  return {
    type: 'message',
    role: 'assistant',
    id: `msg_${n}`,
    content: [{ type: 'output_text', text, annotations: [] }],
  };
}

function callItem(call: ToolCall, n: number, i: number): Body {
  if ('code' in call) {
    return { type: 'custom_tool_call', id: `ctc_${n}_${i}`, call_id: call.id, name: 'exec', input: call.code };
  }
  const [, server, name] = /^mcp__(\w+?)__(\w+)$/.exec(call.tool) ?? [];
  const named = server === undefined ? { name: call.tool } : { name, namespace: `mcp__${server}` };
  return {
    type: 'function_call',
    id: `fc_${n}_${i}`,
    call_id: call.id,
    ...named,
    arguments: JSON.stringify(call.args),
  };
}

// --- Messages API -----------------------------------------------------------------------------------------------------

function* messageOutputs(body: Body): Iterable<[string, string]> {
  for (const { content } of Array.isArray(body['messages']) ? (body['messages'] as Body[]) : []) {
    for (const block of Array.isArray(content) ? (content as Body[]) : []) {
      if (block['type'] === 'tool_result') yield [String(block['tool_use_id']), textOf(block['content'])];
    }
  }
}

function sendMessage(send: (event: Body & { type: string }) => void, turn: Turn, n: number, model: unknown): void {
  const blocks =
    typeof turn === 'string'
      ? [{ type: 'text', text: turn }]
      : turn.map((call) => ({
          type: 'tool_use',
          id: call.id,
          name: 'tool' in call ? call.tool : '',
          input: 'args' in call ? call.args : {},
        }));
  const usage = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const message = {
    id: `msg_${n}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  send({ type: 'message_start', message });
  for (const [index, block] of blocks.entries()) {
    const isText = block.type === 'text';
    send({
      type: 'content_block_start',
      index,
      content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
    });
    const delta = isText
      ? { type: 'text_delta', text: 'text' in block ? block.text : '' }
      : { type: 'input_json_delta', partial_json: JSON.stringify('input' in block ? block.input : {}) };
    send({ type: 'content_block_delta', index, delta });
    send({ type: 'content_block_stop', index });
  }
  const stop_reason = typeof turn === 'string' ? 'end_turn' : 'tool_use';
  send({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } });
  send({ type: 'message_stop' });
}

function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  if (!Array.isArray(output)) return JSON.stringify(output);
  return (output as Body[])
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : JSON.stringify(part)))
    .join('\n');
}
